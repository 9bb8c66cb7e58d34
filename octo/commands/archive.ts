/** `octo archive`: puts a deployment away, its data stays. Loaded by run.ts. */
import { type Begun, ChangeCommand, move, type Tools } from '../change.ts'
import { checkedName, nameOption } from '../command.ts'

export class Archive extends ChangeCommand {
  static override paths = [['archive']]
  static override usage = ChangeCommand.Usage({
    description: 'archive a deployment',
    details: `Its resources are given back, its data stays: octo restore brings both back.`,
    examples: [
      ['Put a deployment away', '$0 archive -n feature-1'],
      ['And wait until it is', '$0 archive -n feature-1 --wait --timeout 10m'],
    ],
  })

  name = nameOption()

  protected async begin(tools: Tools): Promise<Begun> {
    return move(tools, 'archive', checkedName(this.name))
  }
}
