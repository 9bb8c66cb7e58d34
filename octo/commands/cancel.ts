/** `octo cancel`: ends a queued or running action. Loaded by main.ts. */
import { Option } from 'clipanion'
import { isActive } from '../../domain/action.ts'
import { actionDescription, checkedId, checkedName, OctoCommand } from '../command.ts'
import { Failure } from '../failure.ts'

export class Cancel extends OctoCommand {
  static override paths = [['cancel']]
  static override usage = OctoCommand.Usage({
    description: 'cancel an action',
    details: `
      Give either the deployment, whose running action is meant, or the action. The command ends when the
      cancellation was accepted; the script is asked to end, then killed.
    `,
    examples: [
      ['Whatever runs for a deployment', '$0 cancel -n feature-1'],
      ['One action', '$0 cancel -a 42'],
    ],
  })

  name = Option.String('-n,--name', { description: 'name of the deployment' })
  action = Option.String('-a,--action', { description: actionDescription })

  protected async act(): Promise<void> {
    await this.call('cancelAction', { params: { action_id: await this.actionId() } })
  }

  private async actionId(): Promise<number> {
    if (this.name !== undefined && this.action !== undefined) {
      throw new Failure('usage', 'cancel needs -n NAME or -a ID, not both.')
    }
    if (this.action !== undefined) return checkedId('-a', this.action)
    if (this.name === undefined) throw new Failure('usage', 'cancel needs -n NAME or -a ID.')
    const name = checkedName(this.name)
    const { last_action: last } = await this.call('getFullInfo', { params: { name } })
    if (last !== null && isActive(last.state)) return last.action_id
    throw new Failure('refused', `No action of deployment ${name} is running.`, 'Nothing to cancel.')
  }
}
