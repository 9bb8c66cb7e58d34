/** `octo retry`: starts the last action again when it did not succeed. Loaded by run.ts. */
import { type ActionKind, isActive, kindFromWireName } from '../../../domain/actions.ts'
import { overridesFromWire, overridesToWire } from '../../../domain/overrides.ts'
import type { ActionSummary } from '../../../domain/schemas.ts'
import type { ActionContext, Started } from '../../actions/action-context.ts'
import { ActionCommand, submitAction } from '../../cli/action-command.ts'
import { nameOption, parseName } from '../../cli/base-command.ts'
import { CliError } from '../../errors/cli-error.ts'

export class Retry extends ActionCommand {
  static override paths = [['retry']]
  static override usage = ActionCommand.Usage({
    description: 'start the last action again when it did not succeed',
    details: `
      Starts the same kind of action with the same config. After a failed create or restore the deployment exists, so
      retry starts an update.
    `,
    examples: [
      ['Retry', '$0 retry -n feature-1'],
      ['Retry and wait until it runs', '$0 retry -n feature-1 --wait'],
    ],
  })

  name = nameOption()

  protected async start({ client, options, progress }: ActionContext): Promise<Started> {
    const name = parseName(this.name)
    const params = { name }
    const { last_action: lastAction, revision } = await client.call('getFullInfo', { params })
    if (lastAction === null)
      throw new CliError('refused', `Deployment ${name} has no actions.`, 'There is nothing to retry.')
    const kind = retryKind(name, lastAction)
    const subject = `${kindFromWireName(lastAction.action)} (action ${lastAction.action_id})`
    progress.note(`${subject} ${lastAction.state.replace('_', ' ')}: starting ${kind}.`)
    if (kind !== 'update') return submitAction({ client, options }, kind, name)
    const action = await client.call('getAction', { params: { action_id: lastAction.action_id } })
    const body = overridesToWire(overridesFromWire(action))
    const { actionId } = await client.request('updateDeployment', { params, body }, { ...options, revision })
    return { kind, name, actionId }
  }
}

const retryKinds = {
  create: 'update',
  update: 'update',
  restore: 'update',
  archive: 'archive',
  cleanup: 'cleanup',
} as const satisfies Record<ActionKind, ActionKind>

function retryKind(name: string, lastAction: ActionSummary): (typeof retryKinds)[ActionKind] {
  const subject = `The last action of ${name}, ${kindFromWireName(lastAction.action)} (action ${lastAction.action_id}),`
  if (isActive(lastAction.state))
    throw new CliError('refused', `${subject} is ${lastAction.state}.`, `Wait for it: octo wait -n ${name}`)
  if (lastAction.state === 'succeeded')
    throw new CliError('refused', `${subject} succeeded.`, 'There is nothing to retry.')
  return retryKinds[kindFromWireName(lastAction.action)]
}
