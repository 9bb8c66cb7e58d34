/** `octo list`: prints the names of all deployments, one a line. Loaded by run.ts. */
import { listNames } from '../../api/deployment-names.ts'
import { ApiCommand } from '../../cli/api-command.ts'
import { deploymentView } from '../../output/columns.ts'

export class List extends ApiCommand {
  static override paths = [['list']]
  static override usage = ApiCommand.Usage({
    description: 'list the names of all deployments',
    details: `One name a line, the last changed first, including archived deployments.`,
    examples: [
      ['All names', '$0 list'],
      ['With status and link', '$0 list -o table'],
      ['Does feature-1 exist?', '$0 list | grep -qx feature-1'],
    ],
  })

  protected async run(): Promise<void> {
    if (this.format !== null && this.format !== 'name')
      return this.printRecords(await this.call('listDeployments', {}), deploymentView, this.format)
    const names = await listNames(await this.client())
    await this.printRecords(names, { name: String, columns: {} }, 'name')
  }
}
