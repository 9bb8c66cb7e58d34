/**
 * Keeps hold of checks that take long, so that a check is held only as long as its runner lives: one that is killed gives its
 * checks to the others after that time, however long a check may take. Made by watch.ts.
 */
import type { Logger } from 'pino'
import type { DueCheck } from '../../db/queries/checks.ts'
import { startPeriodic } from '../../lib/periodic.ts'

export type CheckLeases = {
  add(check: DueCheck): void
  /** Resolves when its `leaseExpiresAt` is the last one there will be; never rejects. */
  remove(check: DueCheck): Promise<void>
  stop(): Promise<void>
}

/** `hold` is asked four times in `holdMs` for what is under way by then. */
export function createCheckLeases(
  log: Logger,
  leaseMs: number,
  renew: (checks: readonly DueCheck[]) => Promise<void>,
): CheckLeases {
  const running = new Set<DueCheck>()
  let lastRenewal: Promise<void> = Promise.resolve()
  const task = startPeriodic(log, 'held checks', leaseMs / 4, async () => {
    if (running.size === 0) return
    const renewal = renew([...running])
    lastRenewal = renewal.catch(() => {})
    await renewal
  })
  return {
    add: (check) => void running.add(check),
    remove: (check) => {
      running.delete(check)
      return lastRenewal
    },
    stop: task.stop,
  }
}
