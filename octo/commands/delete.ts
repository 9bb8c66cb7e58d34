/** `octo delete`: forgets a deployment without running a script. Loaded by main.ts. */
import { checkedName, nameOption, OctoCommand } from '../command.ts'

export class Delete extends OctoCommand {
  static override paths = [['delete']]
  static override usage = OctoCommand.Usage({
    description: 'forget a deployment',
    details: `Removes the record only: no control script runs, so whatever it left behind stays. Needs the admin credential.`,
    examples: [['Forget a deployment whose resources are gone already', '$0 delete -n feature-1']],
  })

  name = nameOption()

  protected async act(): Promise<void> {
    await this.call('deleteDeployment', { params: { name: checkedName(this.name) } })
  }
}
