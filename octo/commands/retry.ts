/** `octo retry`: begins the last action again when it did not succeed. Loaded by run.ts. */
import { type ActionKind, isActive, kindOfWire } from '../../domain/action.ts'
import type { ActionSummary } from '../../domain/shapes.ts'
import { type Begun, ChangeCommand, move, type Tools } from '../change.ts'
import { checkedName, nameOption } from '../command.ts'
import { Failure } from '../failure.ts'

export class Retry extends ChangeCommand {
  static override paths = [['retry']]
  static override usage = ChangeCommand.Usage({
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

  protected async begin({ octopod, extra, progress }: Tools): Promise<Begun> {
    const name = checkedName(this.name)
    const params = { name }
    const { last_action: last, revision } = await octopod.call('getFullInfo', { params })
    if (last === null)
      throw new Failure('refused', `Deployment ${name} has had no action.`, 'Nothing to retry.')
    const kind = kindToRetry(name, last)
    const failed = `${kindOfWire(last.action)} (action ${last.action_id})`
    progress.note(`${failed} ${last.state.replace('_', ' ')}: beginning ${kind}.`)
    if (kind !== 'update') return move({ octopod, extra }, kind, name)
    const action = await octopod.call('getAction', { params: { action_id: last.action_id } })
    const { app_overrides, deployment_overrides } = action
    const body = { app_overrides, deployment_overrides }
    const { actionId } = await octopod.ask('updateDeployment', { params, body }, { ...extra, revision })
    return { kind, name, actionId }
  }
}

const again = {
  create: 'update',
  update: 'update',
  restore: 'update',
  archive: 'archive',
  cleanup: 'cleanup',
} as const satisfies Record<ActionKind, ActionKind>

function kindToRetry(name: string, last: ActionSummary): (typeof again)[ActionKind] {
  const said = `The last action of ${name}, ${kindOfWire(last.action)} (action ${last.action_id}),`
  if (isActive(last.state))
    throw new Failure('refused', `${said} is ${last.state}.`, `Wait: octo wait -n ${name}`)
  if (last.state === 'succeeded') throw new Failure('refused', `${said} succeeded.`, 'Nothing to retry.')
  return again[kindOfWire(last.action)]
}
