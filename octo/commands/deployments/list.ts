/** `octo list`: the names of all deployments, one a line. Loaded by run.ts. */

import { ApiCommand } from '../../cli/api-command.ts'
import { deploymentView } from '../../output/columns.ts'

export class List extends ApiCommand {
  static override paths = [['list']]
  static override usage = ApiCommand.Usage({
    description: 'list the names of all deployments',
    details: `One name a line, newest change first, archived ones too.`,
    examples: [
      ['All names', '$0 list'],
      ['With status and link', '$0 list -o table'],
      ['Is there one of this name?', '$0 list | grep -qx feature-1'],
    ],
  })

  protected async run(): Promise<void> {
    await this.printRecords(await this.call('listDeployments', {}), deploymentView, 'name')
  }
}
