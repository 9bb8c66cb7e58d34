/** `octo retry`: begins the last action again when it did not succeed. Loaded by run.ts. */

import { type ActionKind, isActive, kindFromWireName } from '../../../domain/actions.ts'
import { overridesFromWire, overridesToWire } from '../../../domain/overrides.ts'
import type { ActionSummary } from '../../../domain/schemas.ts'
import { ActionCommand, type ActionContext, type Started, submitAction } from '../../cli/action-command.ts'
import { nameOption, parseName } from '../../cli/base-command.ts'
import { CliError } from '../../errors/cli-error.ts'

export class Retry extends ActionCommand {
  static override paths = [['retry']]
  static override usage = ActionCommand.Usage({
    description: 'begin the last action again when it did not succeed',
    details: `
      The same kind of action with the same config. A create or restore that failed has left a deployment behind: it is
      brought up by an update.
    `,
    examples: [
      ['Once more', '$0 retry -n feature-1'],
      ['Once more, until it runs', '$0 retry -n feature-1 --wait'],
    ],
  })

  name = nameOption()

  protected async start({ client, options, progress }: ActionContext): Promise<Started> {
    const name = parseName(this.name)
    const params = { name }
    const { last_action: lastAction, revision } = await client.call('getFullInfo', { params })
    if (lastAction === null)
      throw new CliError('refused', `Deployment ${name} has had no action.`, 'Nothing to retry.')
    const kind = retryKind(name, lastAction)
    const subject = `${kindFromWireName(lastAction.action)} (action ${lastAction.action_id})`
    progress.note(`${subject} ${lastAction.state.replace('_', ' ')}: beginning ${kind}.`)
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
    throw new CliError('refused', `${subject} is ${lastAction.state}.`, `Wait: octo wait -n ${name}`)
  if (lastAction.state === 'succeeded')
    throw new CliError('refused', `${subject} succeeded.`, 'Nothing to retry.')
  return retryKinds[kindFromWireName(lastAction.action)]
}
