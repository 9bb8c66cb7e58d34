/** `octo cleanup`: removes an archived deployment with its data. Loaded by main.ts. */
import { checkedName, nameOption, OctoCommand } from '../command.ts'

export class Cleanup extends OctoCommand {
  static override paths = [['cleanup']]
  static override usage = OctoCommand.Usage({
    description: 'clean up an archived deployment',
    details: `Removes its resources and its data for ever, then the deployment and its actions. Needs the admin credential.`,
    examples: [['Remove an archived deployment with its data', '$0 cleanup -n feature-1']],
  })

  name = nameOption()

  protected async act(): Promise<void> {
    await this.call('cleanupDeployment', { params: { name: checkedName(this.name) } })
  }
}
