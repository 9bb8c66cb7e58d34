/** `octo archive`: puts a deployment away, its data stays. Loaded by main.ts. */
import { checkedName, nameOption, OctoCommand } from '../command.ts'

export class Archive extends OctoCommand {
  static override paths = [['archive']]
  static override usage = OctoCommand.Usage({
    description: 'archive a deployment',
    details: `Its resources are given back, its data stays: octo restore brings both back.`,
    examples: [['Put a deployment away', '$0 archive -n feature-1']],
  })

  name = nameOption()

  protected async act(): Promise<void> {
    await this.call('archiveDeployment', { params: { name: checkedName(this.name) } })
  }
}
