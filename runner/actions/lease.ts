/**
 * Renews the lease of an action while its script runs. Aborts its signal when the action is cancelled, or in time
 * before a lease expires that cannot be renewed; the watchdog ends the script when this process is frozen. Called by
 * execute-action.ts.
 */
import { isStaleWrite } from '../../db/errors.ts'
import { type Lease, renew } from '../../db/queries/action-lifecycle.ts'
import type { RunnerContext } from '../context.ts'
import { createLeaseDeadline } from '../process/lease-deadline.ts'

export type ActionLease = {
  /**
   * Aborts with 'cancelled' when a user cancels the action, with 'interrupted' when the lease is lost or about to
   * expire.
   */
  signal: AbortSignal
  /**
   * True when the script must be terminated by now, even if `signal` has not aborted yet because this process was
   * frozen.
   */
  isExpired(): boolean
  cancel(): void
  stop(): void
}

/**
 * `claimedAtMs`: performance.now() before the claim was sent, so that the lease ends no earlier than LEASE after it.
 * `marker`: identifies the script for the watchdog.
 */
export function startLeaseRenewal(
  context: RunnerContext,
  lease: Lease,
  marker: string,
  claimedAtMs: number,
): ActionLease {
  const { leaseDb, settings, log, logFailure } = context
  const { actionId } = lease
  const controller = new AbortController()
  let renewTimer: NodeJS.Timeout | undefined
  let isStopped = false

  const deadline = createLeaseDeadline(context, marker, () => {
    log.warn({ actionId }, 'lease could not be renewed in time; script interrupted')
    controller.abort('interrupted')
  })

  const renewOnce = async () => {
    const sentAtMs = performance.now()
    try {
      const { cancel } = await renew(leaseDb, lease, settings.LEASE)
      if (isStopped) return
      deadline.extendFrom(sentAtMs)
      if (cancel) controller.abort('cancelled')
    } catch (error) {
      if (isStaleWrite(error)) controller.abort('interrupted')
      else logFailure(error, 'lease renewal failed; it is tried again', { actionId })
    }
    schedule()
  }
  const schedule = () => {
    if (!isStopped) renewTimer = setTimeout(renewOnce, settings.LEASE / 6)
  }

  deadline.extendFrom(claimedAtMs)
  schedule()
  return {
    signal: controller.signal,
    isExpired: () => controller.signal.aborted || deadline.isOver(),
    cancel: () => controller.abort('cancelled'),
    stop: () => {
      isStopped = true
      clearTimeout(renewTimer)
      deadline.stop()
    },
  }
}
