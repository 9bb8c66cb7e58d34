/** The server's time as far as the page can know it, ticking only while somebody looks. Ages are told by it. */
import { type ReadonlySignal, signal } from '@preact/signals'

export type ServerClock = {
  /** Milliseconds; changes every second. */
  now: ReadonlySignal<number>
  /** Milliseconds; changes every 20 seconds: enough for "5 minutes ago". */
  coarseNow: ReadonlySignal<number>
  /** Milliseconds, asked now. */
  currentTimeMs(): number
  /** The server's Date header: browsers' clocks may be wrong by hours. */
  syncWithServer(date: string | null): void
}

/** Below this it is the network and the header's whole seconds. */
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
