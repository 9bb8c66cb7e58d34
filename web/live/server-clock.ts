/**
 * The server's time, estimated from the Date header of responses. The clock ticks only while a component
 * reads it. Relative times on the page use it.
 */
import { type ReadonlySignal, signal } from '@preact/signals'

export type ServerClock = {
  /** Milliseconds; updated every second. */
  now: ReadonlySignal<number>
  /** Milliseconds; updated every 20 seconds, enough for "5 min ago". */
  coarseNow: ReadonlySignal<number>
  /** Milliseconds, computed at the call. */
  currentTimeMs(): number
  /** Takes the Date header of a response: browser clocks can be wrong by hours. */
  syncWithServer(date: string | null): void
}

/** Smaller differences come from network delay and from the header's whole seconds. */
const toleranceMs = 3000

export function createServerClock(): ServerClock {
  let offsetMs = 0
  const currentTimeMs = () => Date.now() + offsetMs
  const now = createTicker(currentTimeMs, 1000)
  const coarseNow = createTicker(currentTimeMs, 20_000)
  return {
    now,
    coarseNow,
    currentTimeMs,
    syncWithServer: (date) => {
      const differenceMs = Date.parse(date ?? '') - Date.now()
      if (Number.isNaN(differenceMs) || Math.abs(differenceMs - offsetMs) < toleranceMs) return
      offsetMs = Math.abs(differenceMs) < toleranceMs ? 0 : differenceMs
    },
  }
}

function createTicker(currentTimeMs: () => number, intervalMs: number): ReadonlySignal<number> {
  let timer: ReturnType<typeof setInterval> | undefined
  const time = signal(currentTimeMs(), {
    watched() {
      time.value = currentTimeMs()
      timer = setInterval(() => {
        time.value = currentTimeMs()
      }, intervalMs)
    },
    unwatched() {
      clearInterval(timer)
    },
  })
  return time
}
