/**
 * Updates the existing deployment of `octo create --or-update`, and restores it first when it is archived. Called by
 * commands/deployments/create.ts.
 */
import { statusOf } from '../../client/action-outcome.ts'
import { canStart } from '../../domain/actions.ts'
import type { Labels } from '../../domain/labels.ts'
import type { ByLevel, Override } from '../../domain/overrides.ts'
import { noteWaiting } from '../cli/when-busy.ts'
import { updateWithRetry } from '../config/update-with-retry.ts'
import { CliError } from '../errors/cli-error.ts'
import type { ActionContext, Started } from './action-context.ts'
import { waitAndFollow } from './wait-and-follow.ts'

const updateNotSent = 'The update was not sent.'

/** Each request gets its own idempotency key, which is the same when the command is run again. */
export async function updateExisting(
  context: ActionContext,
  name: string,
  overrides: ByLevel<Override[]>,
  labels: { set: Labels | undefined; title: string | undefined },
): Promise<Started> {
  const { client, options, progress, interruptHandler } = context
  const withKeySuffix = (suffix: string) =>
    options.key === undefined ? options : { ...options, key: `${options.key}/${suffix}` }
  const params = { name }
  if (labels.set !== undefined || labels.title !== undefined)
    await client.request(
      'changeLabels',
      { params, body: labels },
      { ...withKeySuffix('label'), whenBusy: undefined },
    )
  const info = await client.call('getFullInfo', { params })
  if (canStart('restore', statusOf(info))) {
    progress.note(`Deployment ${name} is archived: restoring it, then updating it.`)
    const { actionId } = await client.request('restoreDeployment', { params }, withKeySuffix('restore'))
    interruptHandler.setPendingNote(updateNotSent)
    const { failure } = await waitAndFollow(client, { name, targetState: 'Running', actionId }, context)
    if (failure instanceof CliError)
      throw new CliError(failure.kind, `${failure.message} ${updateNotSent}`, failure.remedy, failure)
    if (failure !== null) throw failure
  }
  const application = { set: overrides.application, unset: [] }
  const deployment = { set: overrides.deployment, unset: [] }
  const update = { ...context, options: withKeySuffix('update') }
  const actionId = await updateWithRetry(update, name, { application, deployment })
  return noteWaiting(context, { kind: 'update', name, actionId })
}
