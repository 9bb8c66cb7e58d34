/**
 * Keeps an action in our hands while its script runs: renews the lease, notices that it is to be cancelled, and ends
 * the script in time when the lease cannot be kept (law 5): itself, and by the supervisor should this process be frozen.
 * Called by perform.ts.
 */
import { isStaleWrite } from '../db/errors.ts'
import { type Held, renew } from '../db/transition.ts'
import { lookMs } from './supervise.ts'
import type { Workshop } from './workshop.ts'

export type Lease = {
  /** Aborts with 'cancelled' when a user wants it, with 'interrupted' when the lease is lost or about to be. */
  signal: AbortSignal
  /** Whether the script must have been asked to end by now, also when `signal` has not had the time to say so. */
  over(): boolean
  cancel(): void
  /** While `write` holds the action's row, as it does for long while a deployment is forgotten: nobody can take it then, and a renewal
   * would only wait for it, in the way of those of other actions. */
  during<T>(write: () => Promise<T>): Promise<T>
  stop(): void
}

/** `takenAt`: performance.now() from before the claim was sent: the lease surely ends no earlier than that + LEASE. `mark`: what
 * the supervisor knows the script by. */
export function keepLease(workshop: Workshop, held: Held, mark: string, takenAt: number): Lease {
  const { leases, settings, supervisor, log } = workshop
  const controller = new AbortController()
  let renewTimer: NodeJS.Timeout | undefined
  let deadline: NodeJS.Timeout | undefined
  let endAt = 0
  let stopped = false
  let writing = false

  const { lastMomentMs, supervisorLaterMs } = lastMoment(settings.LEASE, settings.KILL_GRACE)
  const holdFrom = (sentAt: number) => {
    clearTimeout(deadline)
    endAt = sentAt + lastMomentMs
    const leftMs = endAt - performance.now()
    supervisor.until(mark, leftMs + supervisorLaterMs)
    deadline = setTimeout(
      () => {
        log.warn({ actionId: held.actionId }, 'the lease could not be renewed in time; the script is ended')
        controller.abort('interrupted')
      },
      Math.max(0, leftMs),
    )
  }

  const renewOnce = async () => {
    if (writing) return schedule()
    const sentAt = performance.now()
    try {
      const { cancel } = await renew(leases, held, settings.LEASE)
      if (stopped) return
      holdFrom(sentAt)
      if (cancel) controller.abort('cancelled')
    } catch (error) {
      if (isStaleWrite(error)) controller.abort('interrupted')
      else log.warn({ err: error, actionId: held.actionId }, 'a lease was not renewed; trying again')
    }
    schedule()
  }
  const schedule = () => {
    if (!stopped) renewTimer = setTimeout(renewOnce, settings.LEASE / 6)
  }

  holdFrom(takenAt)
  schedule()
  return {
    signal: controller.signal,
    over: () => controller.signal.aborted || performance.now() >= endAt,
    cancel: () => controller.abort('cancelled'),
    during: async (write) => {
      writing = true
      try {
        return await write()
      } finally {
        writing = false
      }
    },
    stop: () => {
      stopped = true
      clearTimeout(renewTimer)
      clearTimeout(deadline)
    },
  }
}

/**
 * When a script must be asked to end after a renewal, in milliseconds: dead before anybody else may take the action. TERM, the
 * grace, KILL and a margin fit in. The supervisor comes a little later, for who is awake ends its script itself, and needs a look.
 */
function lastMoment(leaseMs: number, graceMs: number): { lastMomentMs: number; supervisorLaterMs: number } {
  const supervisorLaterMs = Math.min(500, leaseMs / 40)
  const marginMs = Math.min(2000, supervisorLaterMs + lookMs(leaseMs) + leaseMs / 8)
  return { lastMomentMs: leaseMs - graceMs - marginMs, supervisorLaterMs }
}
