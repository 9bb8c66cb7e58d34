/**
 * The time by which a script must be terminated so that it is dead before its lease expires. Used by the leases of
 * actions and of checks.
 */
import type { RunnerContext } from '../context.ts'
import { watchdogIntervalMs } from './watchdog.ts'

export type LeaseDeadline = {
  /** The lease was renewed by a request that was sent then: milliseconds of performance.now(). */
  extendFrom(sentAtMs: number): void
  /** True when the script must be terminated by now, even if this process was frozen and no timer has fired yet. */
  isOver(): boolean
  stop(): void
}

/**
 * `onOver` is called at the deadline, which is extended by each renewal. The watchdog ends the script with this marker
 * a little later, in case this process is frozen.
 */
export function createLeaseDeadline(
  { watchdog, settings }: Pick<RunnerContext, 'watchdog' | 'settings'>,
  marker: string,
  onOver: () => void,
): LeaseDeadline {
  const { terminateAfterMs, watchdogDelayMs } = terminationDeadlines(settings.LEASE, settings.KILL_GRACE)
  let timer: NodeJS.Timeout | undefined
  let overAtMs = 0
  return {
    extendFrom(sentAtMs) {
      clearTimeout(timer)
      overAtMs = sentAtMs + terminateAfterMs
      const remainingMs = overAtMs - performance.now()
      watchdog.extendDeadline(marker, remainingMs + watchdogDelayMs)
      timer = setTimeout(onOver, Math.max(0, remainingMs))
    },
    isOver: () => performance.now() >= overAtMs,
    stop: () => clearTimeout(timer),
  }
}

/**
 * How long after a renewal a script is terminated, so that it is dead before another runner may claim its action or
 * check. TERM, the grace, KILL and a margin fit in. The watchdog acts a little later, because a runner that is not frozen
 * ends its script itself.
 */
function terminationDeadlines(
  leaseMs: number,
  killGraceMs: number,
): { terminateAfterMs: number; watchdogDelayMs: number } {
  const watchdogDelayMs = Math.min(500, leaseMs / 40)
  const marginMs = Math.min(2000, watchdogDelayMs + watchdogIntervalMs(leaseMs) + leaseMs / 8)
  return { terminateAfterMs: leaseMs - killGraceMs - marginMs, watchdogDelayMs }
}
