/**
 * Keeps an action in our hands while its script runs: renews the lease, notices that it is to be cancelled, and ends
 * the script in time when the lease cannot be kept (law 5): itself, and by the supervisor should this process be frozen.
 * Called by execute-action.ts.
 */
import { isStaleWrite } from '../../db/errors.ts'
import { type Lease, renew } from '../../db/queries/action-lifecycle.ts'
import type { RunnerContext } from '../context.ts'
import { watchdogIntervalMs } from '../process/watchdog.ts'

export type ActionLease = {
  /** Aborts with 'cancelled' when a user wants it, with 'interrupted' when the lease is lost or about to be. */
  signal: AbortSignal
  /** Whether the script must have been asked to end by now, also when `signal` has not had the time to say so. */
  isExpired(): boolean
  cancel(): void
  /** While `write` holds the action's row, as it does for long while a deployment is forgotten: nobody can take it then, and a renewal
   * would only wait for it, in the way of those of other actions. */
  pauseRenewalWhile<T>(write: () => Promise<T>): Promise<T>
  stop(): void
}

/** `takenAt`: performance.now() from before the claim was sent: the lease surely ends no earlier than that + LEASE. `mark`: what
 * the supervisor knows the script by. */
export function startLeaseRenewal(
  context: RunnerContext,
  lease: Lease,
  marker: string,
  claimedAtMs: number,
): ActionLease {
  const { leaseDb, settings, watchdog, log } = context
  const controller = new AbortController()
  let renewTimer: NodeJS.Timeout | undefined
  let terminateTimer: NodeJS.Timeout | undefined
  let terminateAtMs = 0
  let isStopped = false
  let renewalPaused = false

  const { terminateAfterMs, watchdogDelayMs } = terminationDeadlines(settings.LEASE, settings.KILL_GRACE)
  const extendFrom = (sentAtMs: number) => {
    clearTimeout(terminateTimer)
    terminateAtMs = sentAtMs + terminateAfterMs
    const remainingMs = terminateAtMs - performance.now()
    watchdog.extendDeadline(marker, remainingMs + watchdogDelayMs)
    terminateTimer = setTimeout(
      () => {
        log.warn({ actionId: lease.actionId }, 'the lease could not be renewed in time; the script is ended')
        controller.abort('interrupted')
      },
      Math.max(0, remainingMs),
    )
  }

  const renewOnce = async () => {
    if (renewalPaused) return schedule()
    const sentAtMs = performance.now()
    try {
      const { cancel } = await renew(leaseDb, lease, settings.LEASE)
      if (isStopped) return
      extendFrom(sentAtMs)
      if (cancel) controller.abort('cancelled')
    } catch (error) {
      if (isStaleWrite(error)) controller.abort('interrupted')
      else log.warn({ err: error, actionId: lease.actionId }, 'a lease was not renewed; trying again')
    }
    schedule()
  }
  const schedule = () => {
    if (!isStopped) renewTimer = setTimeout(renewOnce, settings.LEASE / 6)
  }

  extendFrom(claimedAtMs)
  schedule()
  return {
    signal: controller.signal,
    isExpired: () => controller.signal.aborted || performance.now() >= terminateAtMs,
    cancel: () => controller.abort('cancelled'),
    pauseRenewalWhile: async (write) => {
      renewalPaused = true
      try {
        return await write()
      } finally {
        renewalPaused = false
      }
    },
    stop: () => {
      isStopped = true
      clearTimeout(renewTimer)
      clearTimeout(terminateTimer)
    },
  }
}

/**
 * When a script must be asked to end after a renewal, in milliseconds: dead before anybody else may take the action. TERM, the
 * grace, KILL and a margin fit in. The supervisor comes a little later, for who is awake ends its script itself, and needs a look.
 */
function terminationDeadlines(
  leaseMs: number,
  killGraceMs: number,
): { terminateAfterMs: number; watchdogDelayMs: number } {
  const watchdogDelayMs = Math.min(500, leaseMs / 40)
  const marginMs = Math.min(2000, watchdogDelayMs + watchdogIntervalMs(leaseMs) + leaseMs / 8)
  return { terminateAfterMs: leaseMs - killGraceMs - marginMs, watchdogDelayMs }
}
