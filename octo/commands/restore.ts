/** `octo restore`: brings an archived deployment back. Loaded by run.ts. */
import { type Begun, ChangeCommand, move, type Tools } from '../change.ts'
import { checkedName, nameOption } from '../command.ts'

export class Restore extends ChangeCommand {
  static override paths = [['restore']]
  static override usage = ChangeCommand.Usage({
    description: 'restore an archived deployment',
    details: `It comes back with the overrides and the data it had.`,
    examples: [
      ['Bring a deployment back', '$0 restore -n feature-1'],
      ['And wait until it runs', '$0 restore -n feature-1 --wait'],
    ],
  })

  name = nameOption()

  protected async begin(tools: Tools): Promise<Begun> {
    return move(tools, 'restore', checkedName(this.name))
  }
}
