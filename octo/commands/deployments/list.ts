/** `octo list`: prints the names of all deployments, one a line. Loaded by run.ts. */
import { Option } from 'clipanion'
import type { FullInfo } from '../../../domain/schemas.ts'
import { listNames } from '../../api/deployment-names.ts'
import { ApiCommand } from '../../cli/api-command.ts'
import { CliError } from '../../errors/cli-error.ts'
import { parseSelectorOption, selectorOption } from '../../labels/parse-labels.ts'
import { deploymentView } from '../../output/columns.ts'

export class List extends ApiCommand {
  static override paths = [['list']]
  static override usage = ApiCommand.Usage({
    description: 'list the names of all deployments',
    details: `
      One name a line, the last changed first, including archived deployments. Only those that your role lets you see.
    `,
    examples: [
      ['All names', '$0 list'],
      ['With status, owner and link', '$0 list -o table'],
      ['Only your own', '$0 list --mine'],
      ['By labels', '$0 list -l team=shop,env!=qa'],
      ['Does feature-1 exist?', '$0 list | grep -qx feature-1'],
    ],
  })

  mine = Option.Boolean('--mine', false, { description: 'only deployments that you own' })

  selector = selectorOption()

  protected async run(): Promise<void> {
    const hasLabels = parseSelectorOption(this.selector)
    const needsNamesOnly = this.format === null || this.format === 'name'
    if (!this.mine && this.selector === undefined && needsNamesOnly) {
      const names = await listNames(await this.client())
      return this.printRecords(names, { name: String, columns: {} }, 'name')
    }
    const isOwn = this.mine ? await this.ownedByCaller() : () => true
    const deployments = await this.call('listDeployments', {})
    await this.printRecords(
      deployments.filter((info) => isOwn(info) && hasLabels(info)),
      deploymentView,
      'name',
    )
  }

  private async ownedByCaller(): Promise<(info: FullInfo) => boolean> {
    const { issuer, subject, actor } = await this.call('whoami', {})
    if (issuer === null || subject === null)
      throw new CliError(
        'refused',
        `The server knows you as ${actor}, which is no person and owns nothing.`,
        'Use --mine where you are signed in as a person: octo whoami --claims shows who you are.',
      )
    return ({ owner }) => owner?.issuer === issuer && owner.subject === subject
  }
}
