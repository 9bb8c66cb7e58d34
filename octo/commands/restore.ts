/** `octo restore`: brings an archived deployment back. Loaded by main.ts. */
import { checkedName, nameOption, OctoCommand } from '../command.ts'

export class Restore extends OctoCommand {
  static override paths = [['restore']]
  static override usage = OctoCommand.Usage({
    description: 'restore an archived deployment',
    details: `It comes back with the overrides and the data it had.`,
    examples: [['Bring a deployment back', '$0 restore -n feature-1']],
  })

  name = nameOption()

  protected async act(): Promise<void> {
    await this.call('restoreDeployment', { params: { name: checkedName(this.name) } })
  }
}
