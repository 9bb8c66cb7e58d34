/** `octo list`: prints the names of deployments, one a line, or a table on a terminal. Loaded by run.ts. */
import { Option } from 'clipanion'
import { lastActionEndedBadly, statusOf } from '../../../client/action-outcome.ts'
import type { FullInfo } from '../../../domain/schemas.ts'
import { type Status, statuses, statusTable } from '../../../domain/statuses.ts'
import { listNames } from '../../api/deployment-names.ts'
import { ApiCommand } from '../../cli/api-command.ts'
import { suggestion } from '../../cli/suggestion.ts'
import { CliError } from '../../errors/cli-error.ts'
import { parseSelectorOption, selectorOption } from '../../labels/parse-labels.ts'
import { deploymentView, listView } from '../../output/columns.ts'
import type { Terminal } from '../../output/terminal-text.ts'

/** The name in the API, and the label on the page where that is another word. */
const statusWords = statuses
  .map((status) => {
    const { label } = statusTable[status]
    return label === status ? status : `${status} (${label})`
  })
  .join(', ')

export class List extends ApiCommand {
  static override paths = [['list']]
  static override usage = ApiCommand.Usage({
    description: 'list deployments',
    details: `
      The last changed first, including archived deployments. Only those that your role lets you see. On a terminal a table with
      statuses and ages; in a file or pipe one name a line.
    `,
    examples: [
      ['All deployments', '$0 list'],
      ['With the last action, who did it and times', '$0 list -o table'],
      ['Your own that run', '$0 list --mine --status Running'],
      ['Whose last action failed', '$0 list --failed'],
      ['By labels', '$0 list -l team=shop,env!=qa'],
      ['Does feature-1 exist?', '$0 list | grep -qx feature-1'],
    ],
  })

  mine = Option.Boolean('--mine', false, { description: 'only deployments that you own' })
  statuses = Option.Array('--status', [], {
    description: `only with this status, in the words of the API or (of the page): ${statusWords}; repeatable`,
  })
  failed = Option.Boolean('--failed', false, {
    description: 'only deployments whose last action failed, exceeded its time limit or lost its runner',
  })
  selector = selectorOption()

  protected async run(): Promise<void> {
    const wanted = this.statuses.map(parseStatus)
    const hasLabels = parseSelectorOption(this.selector)
    const isTable = this.format === null && (this.context.stdout as unknown as Terminal).isTTY === true
    const needsNamesOnly = !isTable && (this.format === null || this.format === 'name')
    const isFiltered = this.mine || this.failed || wanted.length > 0 || this.selector !== undefined
    if (!isFiltered && needsNamesOnly) {
      const names = await listNames(await this.client())
      return this.printRecords(names, { name: String, columns: {} }, 'name')
    }
    const isMine = this.mine ? await this.ownedByCaller() : () => true
    const deployments = await this.call('listDeployments', {})
    const shown = deployments.filter(
      (info) =>
        isMine(info) &&
        hasLabels(info) &&
        (!this.failed || lastActionEndedBadly(info)) &&
        (wanted.length === 0 || wanted.includes(statusOf(info))),
    )
    if (!isTable) return this.printRecords(shown, deploymentView, 'name')
    if (shown.length === 0) return this.note('there is no such deployment.')
    await this.printRecords(shown, listView, 'table')
  }

  private async ownedByCaller(): Promise<(info: FullInfo) => boolean> {
    const { connection } = await this.client()
    const { issuer, subject, actor } = await this.call('whoami', {})
    if (issuer === null || subject === null)
      throw new CliError(
        'refused',
        `The server knows you as ${actor}, which is no person and owns nothing.`,
        `Only people who sign in own deployments. How the installation lets them: ${connection.serverAddress}/docs/sign-in.html`,
      )
    return ({ owner }) => owner?.issuer === issuer && owner.subject === subject
  }
}

function parseStatus(text: string): Status {
  const wanted = toComparable(text)
  const status = statuses.find((known) =>
    [known, statusTable[known].label].some((word) => toComparable(word) === wanted),
  )
  if (status !== undefined) return status
  const words = new Set(statuses.flatMap((known) => [known, statusTable[known].label]))
  if (wanted === 'lastactionfailed' || wanted === 'failed')
    throw new CliError(
      'usage',
      '--status takes a status. For deployments whose last action failed: octo list --failed',
    )
  throw new CliError(
    'usage',
    `--status needs one of ${statusWords}, not "${text.slice(0, 40)}".${suggestion(text, [...words])}`,
  )
}

/** `Cleanup failed`, `cleanup-failed` and `CleanupFailed` are the same status. */
const toComparable = (word: string) => word.toLowerCase().replaceAll(/[\s_-]/g, '')
