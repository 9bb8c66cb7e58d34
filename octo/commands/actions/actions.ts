/** `octo actions`: lists the actions of a deployment with actor and result. Loaded by run.ts. */
import { Option } from 'clipanion'
import { kindFromWireName } from '../../../domain/actions.ts'
import type { Action } from '../../../domain/schemas.ts'
import { ApiCommand } from '../../cli/api-command.ts'
import { nameOption, parseId, parseName } from '../../cli/base-command.ts'
import { actorLabel } from '../../output/actor-label.ts'
import { actionDuration, actionNote, actionView } from '../../output/columns.ts'
import { formatTimestamp, renderTable } from '../../output/table.ts'
import { splitByWidth, toSingleLine } from '../../output/terminal-text.ts'

const maxPageSize = 500

export class Actions extends ApiCommand {
  static override paths = [['actions']]
  static override usage = ApiCommand.Usage({
    description: 'list the actions of a deployment',
    details: `Newest first, including queued and running ones. Times are UTC.`,
    examples: [
      ['The last 50', '$0 actions feature-1'],
      ['Only the last one', '$0 actions feature-1 --limit 1'],
      ['For a program', '$0 actions feature-1 -o jsonl'],
    ],
  })

  name = nameOption()
  limit = Option.String('--limit', '50', { description: 'how many actions (default 50)' })

  protected async run(): Promise<void> {
    const params = { name: parseName(this.name) }
    const requestedCount = parseId('--limit', this.limit)
    const actions: Action[] = []
    while (actions.length < requestedCount) {
      const limit = Math.min(requestedCount - actions.length, maxPageSize)
      const page = await this.call('listActions', {
        params,
        query: { limit, before: actions.at(-1)?.action_id },
      })
      actions.push(...page)
      if (page.length < limit) break
    }
    if (this.format !== null) return this.printRecords(actions, actionView, this.format)
    await this.print(`${renderTable(tableHeadings, actions.map(toRow), this.columns).join('\n')}\n`)
  }
}

const tableHeadings = [
  'Created at',
  'Action id',
  'Action',
  'State',
  'Who',
  'Source',
  'Duration',
  'Exit code',
  'Note',
]

function toRow(action: Action): string[][] {
  return [
    [formatTimestamp(action.created_at)],
    [String(action.action_id)],
    [kindFromWireName(action.action)],
    [action.attempt > 1 ? `${action.state} (attempt ${action.attempt})` : action.state],
    [toSingleLine(actorLabel(action))],
    [toSingleLine(action.source)],
    [actionDuration(action)],
    [action.exit_code === null ? (action.signal ?? '') : String(action.exit_code)],
    splitByWidth(toSingleLine(actionNote(action)), 40),
  ]
}
