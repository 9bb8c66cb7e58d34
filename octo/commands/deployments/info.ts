/** `octo info`: prints status, reason of a failure, links, overrides and finished actions of a deployment. Loaded by run.ts. */
import { kindFromWireName } from '../../../domain/actions.ts'
import { overridesFromWire } from '../../../domain/overrides.ts'
import type { ActionLog, Info as DeploymentInfo } from '../../../domain/schemas.ts'
import { ApiCommand } from '../../cli/api-command.ts'
import { nameOption, parseName } from '../../cli/base-command.ts'
import { CliError } from '../../errors/cli-error.ts'
import { deploymentView } from '../../output/columns.ts'
import { summaryLines } from '../../output/summary.ts'
import { formatTimestamp, renderOverrides, renderOverridesCell, renderTable } from '../../output/table.ts'
import { toSingleLine } from '../../output/terminal-text.ts'

export class Info extends ApiCommand {
  static override paths = [['info']]
  static override usage = ApiCommand.Usage({
    description: 'show a deployment',
    details: `
      Prints its status, why its last action or check failed, and its links; then its overrides of both levels and its
      finished actions, newest first. Times are UTC.
    `,
    examples: [
      ['One deployment', '$0 info feature-1'],
      ['Its first link', '$0 info feature-1 -o json | jq -r .metadata[0].link'],
    ],
  })

  name = nameOption()

  protected async run(): Promise<void> {
    const name = parseName(this.name)
    const params = { name }
    if (this.format !== null) {
      const record = await this.call('getFullInfo', { params })
      return this.printRecords({ record }, deploymentView, this.format)
    }
    const [info] = await this.call('getInfo', { params })
    if (info === undefined) throw new CliError('refused', `Deployment ${name} not found.`)
    const summary = summaryLines(await this.call('getFullInfo', { params }))
    await this.print(`${summary.join('\n')}\n\n${renderPage(info, this.columns)}`)
  }
}

/** Scripts read the headings of Octopod 1.6. On a terminal the links are not repeated, and actions are called so. */
function renderPage({ deployment, metadata, logs }: DeploymentInfo, columns: number): string {
  const overrides = overridesFromWire(deployment)
  const isTerminal = Number.isFinite(columns)
  const links = metadata.map(({ name, link }) => `  ${toSingleLine(name)}: ${toSingleLine(link)}`)
  return [
    'Current settings:',
    'Application config:',
    ...renderOverrides(overrides.application, columns),
    '',
    'Deployment config: ',
    ...renderOverrides(overrides.deployment, columns),
    '',
    ...(isTerminal ? ['Last actions:'] : ['Metadata: ', ...links, '', 'Last logs:']),
    ...renderTable(tableHeadings, logs.map(toRow), columns),
    '',
  ].join('\n')
}

const tableHeadings = ['Created at', 'Action id', 'Action', 'App config', 'Deployment config', 'Exit code']

function toRow(log: ActionLog): string[][] {
  return [
    [formatTimestamp(log.created_at)],
    [String(log.action_id)],
    [kindFromWireName(log.action)],
    renderOverridesCell(log.deployment_app_overrides),
    renderOverridesCell(log.deployment_dep_overrides),
    [String(log.exit_code)],
  ]
}
