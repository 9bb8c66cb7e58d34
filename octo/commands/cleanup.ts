/** `octo cleanup`: removes an archived deployment with its data. Loaded by run.ts. */
import { type Begun, ChangeCommand, move, type Tools } from '../change.ts'
import { checkedName, nameOption } from '../command.ts'

export class Cleanup extends ChangeCommand {
  static override paths = [['cleanup']]
  static override usage = ChangeCommand.Usage({
    description: 'clean up an archived deployment',
    details: `Removes its resources and its data for ever, then the deployment and its actions. Needs the admin credential.`,
    examples: [
      ['Remove an archived deployment with its data', '$0 cleanup -n feature-1'],
      ['And wait until it is gone', '$0 cleanup -n feature-1 --wait'],
    ],
  })

  name = nameOption()

  protected async begin(tools: Tools): Promise<Begun> {
    return move(tools, 'cleanup', checkedName(this.name))
  }
}
