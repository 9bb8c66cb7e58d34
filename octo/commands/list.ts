/** `octo list`: the names of all deployments, one a line. Loaded by main.ts. */
import { OctoCommand } from '../command.ts'

export class List extends OctoCommand {
  static override paths = [['list']]
  static override usage = OctoCommand.Usage({
    description: 'list the names of all deployments',
    details: `One name a line, newest change first, archived ones too.`,
    examples: [
      ['All names', '$0 list'],
      ['Is there one of this name?', '$0 list | grep -qx feature-1'],
    ],
  })

  protected async act(): Promise<void> {
    const deployments = await this.call('listDeployments', {})
    this.print(deployments.map(({ deployment }) => `${deployment.name}\n`).join(''))
  }
}
