/**
 * Calls the control script `notifications` for a status change. A failing script changes nothing, and is shown on the page.
 */
import type { Delivery } from '../../db/queries/notifications/deliveries.ts'
import { failureText } from '../../domain/failures/failure.ts'
import { notificationArguments } from '../../domain/script.ts'
import { isFailed } from '../../domain/statuses.ts'
import type { RunnerContext } from '../context.ts'
import { recordScriptResult } from '../scripts/record-failure.ts'
import { runScript } from '../scripts/run-script.ts'
import { failureEnvironment } from './failure-environment.ts'

/** A script that has failed counts as called, as in Octopod 1.6. */
export async function sendByScript(
  context: RunnerContext,
  { eventId, event }: Delivery,
): Promise<'interrupted' | null> {
  const { project, settings, log } = context
  const { deployment, old_status, new_status } = event
  const args = notificationArguments(project, deployment, old_status, new_status)
  const run = await runScript(
    context,
    'notifications',
    { args, configFile: null },
    {
      timeoutMs: settings.CHECK_TIMEOUT,
      extraEnvironment: {
        ...failureEnvironment(isFailed(new_status) ? event.failure : null),
        OCTOPOD_NOTIFICATION_ID: eventId,
      },
    },
  )
  if (run.result.interrupted) return 'interrupted'
  await recordScriptResult(context, { deployment }, 'notifications', run.failure)
  if (run.failure !== null) log.warn({ deployment }, failureText(run.failure))
  return null
}
