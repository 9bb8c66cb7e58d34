/**
 * Finds actions that wait although no notification arrived, and ends actions whose lease has expired because their
 * runner was lost. Every runner does this. Started by main.ts.
 */
import { endExpiredAction, readShortestLease, startOverdueWaitingActions } from '../../db/queries/recovery.ts'
import { publishChange } from '../../db/redis/events.ts'
import { type PeriodicTask, startPeriodic } from '../../lib/periodic.ts'
import type { ActionWorker } from '../actions/action-worker.ts'
import type { RunnerContext } from '../context.ts'

/** An action without a notification starts after five seconds at most. */
const intervalMs = 4000

/** `endOrphans` ends the scripts of lost runners on this machine. */
export function startRecovery(
  context: RunnerContext,
  actions: ActionWorker,
  endOrphans: () => Promise<void>,
): PeriodicTask {
  return startPeriodic(context.logFailure, 'recovery', intervalMs, async () => {
    const remainingMs = await readShortestLease(context.db)
    // As soon as an expired action has ended, the next one of its deployment may start.
    if (remainingMs !== null && remainingMs <= 0) await endOrphans()
    await endExpiredActions(context, actions)
    await startOverdueWaiting(context)
    await actions.executeWaiting()
  })
}

async function endExpiredActions(context: RunnerContext, actions: ActionWorker): Promise<void> {
  const { db, redis, settings, log } = context
  for (;;) {
    const expired = await endExpiredAction(db, settings.INTERRUPTED_ACTIONS === 'retry')
    if (expired === null) return
    const { actionId, name: deployment, runner: lostRunner, retryActionId, change } = expired
    log.warn({ actionId, deployment, lostRunner, retryActionId }, 'the runner of an action was lost')
    await publishChange(redis, settings.REDIS_PREFIX, change)
    if (retryActionId !== null) actions.execute(retryActionId)
    else actions.executeQueued(change)
  }
}

/** For those whose deployment a statement without triggers has changed, or a program that ended before it notified anybody. */
async function startOverdueWaiting({ db, redis, settings, log }: RunnerContext): Promise<void> {
  for (const change of await startOverdueWaitingActions(db)) {
    log.warn({ deployment: change.name }, 'a waiting action was overdue')
    await publishChange(redis, settings.REDIS_PREFIX, change)
  }
}
