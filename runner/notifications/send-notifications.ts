/**
 * Calls the notifications script for each status change, one after another. A change is sent at most once; a runner
 * that is killed loses at most one. A failing script changes nothing, and is shown on the page. Started by main.ts.
 */
import { type StatusChange, takeStatusChanges } from '../../db/queries/status-changes.ts'
import { failureText } from '../../domain/failures/failure.ts'
import { notificationArguments } from '../../domain/script.ts'
import { isFailed, type Status } from '../../domain/statuses.ts'
import { type PeriodicTask, startPeriodic } from '../../lib/periodic.ts'
import type { RunnerContext } from '../context.ts'
import { recordScriptResult } from '../scripts/record-failure.ts'
import { runScript } from '../scripts/run-script.ts'
import { failureEnvironment } from './failure-environment.ts'

export function startNotifications(context: RunnerContext): PeriodicTask {
  if (context.scripts.path('notifications') === null) return startDiscarding(context)
  return startPeriodic(context.logFailure, 'notifications', 1000, async () => {
    while (!context.shutdownSignal.aborted) {
      const [change] = await takeStatusChanges(context.db, 1)
      if (change === undefined) return
      await sendNotification(context, change)
    }
  })
}

const discardBatchSize = 500

/** Without a script the changes are deleted now and then, so that their table stays small. */
function startDiscarding(context: RunnerContext): PeriodicTask {
  const task = startPeriodic(context.logFailure, 'notifications', 30_000, async () => {
    const discarded = await takeStatusChanges(context.db, discardBatchSize)
    if (discarded.length === discardBatchSize) task.runNow()
  })
  return { runNow: () => {}, stop: task.stop }
}

async function sendNotification(context: RunnerContext, change: StatusChange): Promise<void> {
  const { project, settings, log } = context
  const { deployment } = change
  const from = change.old_status as Status
  const to = change.new_status as Status
  const args = notificationArguments(project, deployment, from, to)
  const input = { args, configFile: null }
  const run = await runScript(context, 'notifications', input, {
    timeoutMs: settings.CHECK_TIMEOUT,
    extraEnvironment: failureEnvironment(isFailed(to) ? change.failure : null),
  })
  await recordScriptResult(context, { deployment }, 'notifications', run.failure)
  if (run.failure !== null) log.warn({ deployment }, failureText(run.failure))
}
