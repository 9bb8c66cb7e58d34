/** `octo list`: the names of all deployments, one a line. Loaded by run.ts. */
import { deploymentLook } from '../looks.ts'
import { OnlineCommand } from '../online.ts'

export class List extends OnlineCommand {
  static override paths = [['list']]
  static override usage = OnlineCommand.Usage({
    description: 'list the names of all deployments',
    details: `One name a line, newest change first, archived ones too.`,
    examples: [
      ['All names', '$0 list'],
      ['With status and link', '$0 list -o table'],
      ['Is there one of this name?', '$0 list | grep -qx feature-1'],
    ],
  })

  protected async act(): Promise<void> {
    await this.tell(await this.call('listDeployments', {}), deploymentLook, 'name')
  }
}
