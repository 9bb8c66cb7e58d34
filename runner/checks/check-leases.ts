/**
 * Renews the leases of running checks. When a runner is killed, other runners get its checks after one lease, however
 * long a check may take. Called by check-scheduler.ts.
 */
import type { Logger } from 'pino'
import type { DueCheck } from '../../db/queries/checks.ts'
import { startPeriodic } from '../../lib/periodic.ts'

export type CheckLeases = {
  add(check: DueCheck): void
  remove(check: DueCheck): void
  stop(): Promise<void>
}

/** `renew` is called four times in `leaseMs` with the checks that run. */
export function createCheckLeases(
  log: Logger,
  leaseMs: number,
  renew: (checks: readonly DueCheck[]) => Promise<void>,
): CheckLeases {
  const running = new Set<DueCheck>()
  const task = startPeriodic(log, 'check leases', leaseMs / 4, async () => {
    if (running.size === 0) return
    await renew([...running])
  })
  return {
    add: (check) => void running.add(check),
    remove: (check) => void running.delete(check),
    stop: task.stop,
  }
}
