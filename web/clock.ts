/** The server's time as far as the page can know it, ticking only while somebody looks. Ages are told by it. */
import { type ReadonlySignal, signal } from '@preact/signals'

export type Clock = {
  /** Milliseconds; changes every second. */
  second: ReadonlySignal<number>
  /** Milliseconds; changes every 20 seconds: enough for "5 minutes ago". */
  moment: ReadonlySignal<number>
  /** Milliseconds, asked now. */
  now(): number
  /** The server's Date header: browsers' clocks may be wrong by hours. */
  learn(date: string | null): void
}

/** Below this it is the network and the header's whole seconds. */
const ignoredMs = 3000

export function createClock(): Clock {
  let offsetMs = 0
  const now = () => Date.now() + offsetMs
  const second = ticking(now, 1000)
  const moment = ticking(now, 20_000)
  return {
    second,
    moment,
    now,
    learn: (date) => {
      const difference = Date.parse(date ?? '') - Date.now()
      if (Number.isNaN(difference) || Math.abs(difference - offsetMs) < ignoredMs) return
      offsetMs = Math.abs(difference) < ignoredMs ? 0 : difference
    },
  }
}

function ticking(now: () => number, everyMs: number): ReadonlySignal<number> {
  let timer: ReturnType<typeof setInterval> | undefined
  const time = signal(now(), {
    watched() {
      time.value = now()
      timer = setInterval(() => {
        time.value = now()
      }, everyMs)
    },
    unwatched() {
      clearInterval(timer)
    },
  })
  return time
}
