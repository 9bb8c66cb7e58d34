/** `octo pause`: pauses checks, retention or notifications for all deployments. Loaded by run.ts. */
import { Option } from 'clipanion'
import { parseLongDurationMs, parseTime } from '../../../domain/audit/since.ts'
import { maxPauseSeconds, pausable, pauseReasonError } from '../../../domain/pauses/pause.ts'
import { ApiCommand } from '../../cli/api-command.ts'
import { CliError } from '../../errors/cli-error.ts'
import { formatTimestamp } from '../../output/table.ts'
import { parseWhat, pauseView } from './pause-view.ts'

export class PauseWork extends ApiCommand {
  static override paths = [['pause']]
  static override usage = ApiCommand.Usage({
    description: 'pause checks, retention or notifications for all deployments',
    details: `
      Paused checks: only a deployment that an action has just changed is checked, and all other statuses stay as they are. Paused
      retention: nothing is deleted because of its age or size. Paused notifications: they wait, and are sent afterwards. Actions run
      as always. The page shows everybody who paused what, and why. Once more changes the reason and the
      end; the pause of somebody else needs --replace. Useful for maintenance, to mute notifications or to freeze statuses. Needs the right pause
      for all names.
    `,
    examples: [
      ['For an upgrade of the cluster', '$0 pause checks --reason "cluster upgrade" --for 2h'],
      ['Until a time in UTC', '$0 pause retention --reason "restore a backup" --until 2026-03-01T18:00'],
      ['What is paused?', '$0 pauses'],
      ['Go on', '$0 resume checks'],
    ],
  })

  what = Option.String({ name: 'WHAT' })
  reason = Option.String('--reason', { required: true, description: 'why; everybody reads it on the page' })
  duration = Option.String('--for', {
    description: 'how long, such as 30m, 2h or 3d; default: until octo resume',
  })
  until = Option.String('--until', { description: 'until a time in UTC, such as 2026-03-01T18:00' })

  replace = Option.Boolean('--replace', false, { description: 'also when somebody else has paused it' })

  protected async run(): Promise<void> {
    const what = parseWhat(this.what)
    const reason = this.reason.trim()
    const problem = pauseReasonError(reason)
    if (problem !== null) throw new CliError('usage', problem)
    if (this.duration !== undefined && this.until !== undefined)
      throw new CliError('usage', '--for and --until do not go together.')
    const record = await this.call('pauseWork', {
      params: { what },
      body: {
        reason,
        ...(this.duration === undefined ? {} : { for_seconds: parseSeconds(this.duration) }),
        ...(this.until === undefined ? {} : { until: parseUntil(this.until) }),
        ...(this.replace && { replace: true }),
      },
    })
    if (this.format !== null) return this.printRecords({ record }, pauseView, this.format)
    const { paused, stops } = pausable[record.what]
    const end = record.until === null ? `octo resume ${what}` : formatTimestamp(record.until)
    this.note(`${paused} until ${end}. ${stops}`)
  }
}

function parseSeconds(text: string): number {
  const seconds = parseLongDurationMs(text) / 1000
  if (seconds >= 1 && seconds <= maxPauseSeconds) return seconds
  throw new CliError('usage', '--for needs a duration up to 366d, such as 30m, 2h or 1d12h.')
}

function parseUntil(text: string): string {
  const time = parseTime(text)
  if (time !== null) return time
  throw new CliError(
    'usage',
    '--until needs a time in UTC, such as 2026-03-01T18:00 or 2026-03-01T18:00+02:00.',
  )
}
