/**
 * Tells the notifications script of status changes, one after another: each is told at most once, and at most one is lost with
 * its runner. A failure changes nothing.
 */
import { type StatusChange, takeStatusChanges } from '../../db/queries/status-changes.ts'
import { notificationArguments } from '../../domain/script.ts'
import type { Status } from '../../domain/statuses.ts'
import { type PeriodicTask, startPeriodic } from '../../lib/periodic.ts'
import type { RunnerContext } from '../context.ts'
import { runScript } from '../scripts/run-script.ts'

/** How many are only taken off the list at once. */
const batchSize = 500

export function startNotifications(context: RunnerContext): PeriodicTask {
  const hasNoScript = context.scripts.path('notifications') === null
  // Without a script they are only taken off the list, now and then.
  const task = startPeriodic(context.log, 'notifications', hasNoScript ? 30_000 : 1000, async () => {
    if (hasNoScript) {
      if ((await takeStatusChanges(context.db, batchSize)).length === batchSize) task.runNow()
      return
    }
    while (!context.shutdownSignal.aborted) {
      const [change] = await takeStatusChanges(context.db, 1)
      if (change === undefined) return
      await sendNotification(context, change)
    }
  })
  return hasNoScript ? { runNow: () => {}, stop: task.stop } : task
}

async function sendNotification(context: RunnerContext, change: StatusChange): Promise<void> {
  const { project, settings, log } = context
  const from = change.old_status as Status
  const to = change.new_status as Status
  const run = await runScript(
    context,
    'notifications',
    notificationArguments(project, change.deployment, from, to),
    {
      timeoutMs: settings.CHECK_TIMEOUT,
    },
  )
  if (run.failure !== null) log.warn({ deployment: change.deployment }, run.failure)
}
