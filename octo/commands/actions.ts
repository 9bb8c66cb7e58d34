/** `octo actions`: what was done to a deployment, by whom and how it ended. Loaded by run.ts. */
import { Option } from 'clipanion'
import { kindOfWire } from '../../domain/action.ts'
import type { Action } from '../../domain/shapes.ts'
import { checkedId, checkedName, nameOption } from '../command.ts'
import { actionLook, shownDurationOf } from '../looks.ts'
import { OnlineCommand } from '../online.ts'
import { grid, seconds } from '../print.ts'
import { chunksOf, oneLine } from '../text.ts'

const mostOfOneCall = 500

export class Actions extends OnlineCommand {
  static override paths = [['actions']]
  static override usage = OnlineCommand.Usage({
    description: 'list the actions of a deployment',
    details: `Newest first, queued and running ones too. Times are UTC.`,
    examples: [
      ['The last 50', '$0 actions -n feature-1'],
      ['Only the last one', '$0 actions -n feature-1 --limit 1'],
      ['For a program', '$0 actions -n feature-1 -o jsonl'],
    ],
  })

  name = nameOption()
  limit = Option.String('--limit', '50', { description: 'how many (default 50)' })

  protected async act(): Promise<void> {
    const params = { name: checkedName(this.name) }
    const wanted = checkedId('--limit', this.limit)
    const actions: Action[] = []
    while (actions.length < wanted) {
      const limit = Math.min(wanted - actions.length, mostOfOneCall)
      const page = await this.call('listActions', {
        params,
        query: { limit, before: actions.at(-1)?.action_id },
      })
      actions.push(...page)
      if (page.length < limit) break
    }
    if (this.format !== null) return this.tell(actions, actionLook, this.format)
    this.print(`${grid(headings, actions.map(row), this.columns).join('\n')}\n`)
  }
}

const headings = [
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

function row(action: Action): string[][] {
  const note = [action.reason, action.error].filter((text) => text !== null).join(' · ')
  return [
    [seconds(action.created_at)],
    [String(action.action_id)],
    [kindOfWire(action.action)],
    [action.attempt > 1 ? `${action.state} (attempt ${action.attempt})` : action.state],
    [oneLine(action.actor)],
    [oneLine(action.source)],
    [shownDurationOf(action)],
    [action.exit_code === null ? (action.signal ?? '') : String(action.exit_code)],
    chunksOf(oneLine(note), 40),
  ]
}
