/** `octo retry`: starts the last action again when it did not succeed. Loaded by run.ts. */
import { statusOf } from '../../../client/action-outcome.ts'
import { isActive, kindFromWireName, retryKind } from '../../../domain/actions.ts'
import { overridesFromWire, overridesToWire } from '../../../domain/overrides.ts'
import type { ActionSummary } from '../../../domain/schemas.ts'
import { findOtherSecrets } from '../../../domain/secrets/secret-reference.ts'
import type { ActionContext, Started } from '../../actions/action-context.ts'
import { BulkActionCommand, submitAction } from '../../cli/action-command.ts'
import { parseName } from '../../cli/base-command.ts'
import { CliError } from '../../errors/cli-error.ts'

export class Retry extends BulkActionCommand {
  static override paths = [['retry']]
  static override usage = BulkActionCommand.Usage({
    description: 'start the last action again when it did not succeed',
    details: `
      Starts the same kind of action with the same config. After a failed create or the failed script of a restore, retry
      starts an update.
    `,
    examples: [
      ['Retry', '$0 retry feature-1'],
      ['Retry and wait until it runs', '$0 retry feature-1 --wait'],
      ['All of a team whose last action failed', '$0 retry -l team=shop'],
    ],
  })

  protected readonly operation = 'retry'
  protected readonly verb = 'Retry'

  protected async start({ client, options, progress }: ActionContext): Promise<Started> {
    const name = parseName(this.name)
    const params = { name }
    const info = await client.call('getFullInfo', { params })
    const { last_action: lastAction, revision } = info
    if (lastAction === null)
      throw new CliError('refused', `Deployment ${name} has no actions.`, 'There is nothing to retry.')
    requireFailed(name, lastAction)
    const failedKind = kindFromWireName(lastAction.action)
    const kind = retryKind(failedKind, statusOf(info))
    const subject = `${failedKind} (action ${lastAction.action_id})`
    progress.note(`${subject} ${lastAction.state.replace('_', ' ')}: starting ${kind}.`)
    if (kind !== 'update') return submitAction({ client, options }, kind, name)
    const action = await client.call('getAction', { params: { action_id: lastAction.action_id } })
    const overrides = overridesFromWire(action)
    requireKeptSecrets(name, findOtherSecrets(overrides, overridesFromWire(info.deployment)))
    const body = overridesToWire(overrides)
    const { actionId } = await client.request('updateDeployment', { params, body }, { ...options, revision })
    return { kind, name, actionId }
  }
}

/** The values of an update that never started are not stored with the deployment. */
function requireKeptSecrets(name: string, keys: readonly string[]): void {
  if (keys.length === 0) return
  throw new CliError(
    'refused',
    `The failed update had other values of secret keys than ${name} has now: ${keys.join(', ')}.`,
    `Give them again: octo update -n ${name} -e KEY=VALUE`,
  )
}

/** Throws when there is nothing to retry. */
function requireFailed(name: string, lastAction: ActionSummary): void {
  const subject = `The last action of ${name}, ${kindFromWireName(lastAction.action)} (action ${lastAction.action_id}),`
  if (isActive(lastAction.state))
    throw new CliError('refused', `${subject} is ${lastAction.state}.`, `Wait for it: octo wait -n ${name}`)
  if (lastAction.state === 'succeeded')
    throw new CliError('refused', `${subject} succeeded.`, 'There is nothing to retry.')
}
