/** `octo app-logs`: prints what the running app logs, with --follow until Ctrl-C. Loaded by run.ts. */
import { Option } from 'clipanion'
import { statusOf } from '../../../client/action-outcome.ts'
import { type AppLogEvents, defaultAppLogTail, maxAppLogTail } from '../../../domain/output/app-log-events.ts'
import { statusTable } from '../../../domain/statuses.ts'
import { toPlainText } from '../../../lib/terminal/text.ts'
import { ApiCommand } from '../../cli/api-command.ts'
import { nameOption, parseName } from '../../cli/base-command.ts'
import { CliError } from '../../errors/cli-error.ts'
import type { RecordView } from '../../output/formatter.ts'
import type { Terminal } from '../../output/terminal-text.ts'

type Line = AppLogEvents['line']

export class AppLogs extends ApiCommand {
  static override paths = [['app-logs']]
  static override usage = ApiCommand.Usage({
    description: 'show what the running app logs',
    details: `
      The app_logs script of the installation reads the logs, of all containers of the deployment. \`octo logs\` shows
      the output of an action instead. The installation decides who may read both (OUTPUT_READERS). Values of secret keys
      are masked. --follow goes on until Ctrl-C or until the script ends, and connects again after an outage. The exit code is
      0 when the script has ended by itself and 1 when it has failed.
    `,
    examples: [
      ['The last 200 lines', '$0 app-logs feature-1'],
      ['The last 20 lines and all that follow', '$0 app-logs feature-1 --tail 20 -f'],
    ],
  })

  name = nameOption()
  follow = Option.Boolean('-f,--follow', false, { description: 'go on with new lines until Ctrl-C' })
  tail = Option.String('--tail', {
    description: `how many of the last lines, at most ${maxAppLogTail}; default ${defaultAppLogTail}`,
  })

  protected async run(): Promise<void> {
    const name = parseName(this.name)
    const tail = this.readTail()
    const { streamAppLogs } = await import('../../actions/stream-app-logs.ts')
    if (this.follow) await this.noteArchived(name)
    const onReconnect = (reason: string) => this.note(`${reason} Reconnecting; lines may come again.`)
    const options = { tail, follow: this.follow, onReconnect }
    const stream = streamAppLogs(await this.client(), name, options)
    const lines: Line[] = []
    for (;;) {
      const { done, value } = await stream.next()
      if (done) {
        if (!this.printsAtOnce()) await this.printRecords(lines, view, this.format ?? 'table')
        if (value.reason === 'finished') return
        throw new CliError('failed', value.message)
      }
      if (value.event === 'dropped') this.note(droppedNote(value.data))
      if (value.event !== 'line') continue
      if (this.printsAtOnce()) await this.printLine(value.data)
      else lines.push(value.data)
    }
  }

  /** Nothing of an archived deployment runs, so that --follow may wait for long. The stream reports every error. */
  private async noteArchived(name: string): Promise<void> {
    const info = await this.call('getFullInfo', { params: { name } }).catch(() => null)
    if (info !== null && statusTable[statusOf(info)].isArchived)
      this.note(`${name} is archived: new lines come only after octo restore ${name}.`)
  }

  /** With --follow a list would never end. */
  private printsAtOnce(): boolean {
    return this.follow || this.format === null || this.format === 'jsonl'
  }

  /** Prints a line as a document of its own. */
  private async printLine(line: Line): Promise<void> {
    if (this.format === null || this.format === 'table') return this.print(`${this.clean(line.text)}\n`)
    if (this.format === 'yaml') await this.print('---\n')
    await this.printRecords({ record: line }, view, this.format)
  }

  private readTail(): number {
    if (this.tail === undefined) return defaultAppLogTail
    const tail = /^\d{1,6}$/.test(this.tail) ? Number(this.tail) : Number.NaN
    if (tail <= maxAppLogTail) return tail
    throw new CliError('usage', `--tail needs a whole number from 0 to ${maxAppLogTail}.`)
  }

  /** A terminal shows text without control sequences. */
  private clean(text: string): string {
    return (this.context.stdout as unknown as Terminal).isTTY === true ? toPlainText(text) : text
  }
}

const droppedNote = ({ lines, reason }: AppLogEvents['dropped']): string =>
  `${lines} ${lines === 1 ? 'line is' : 'lines are'} missing: ${
    reason === 'rate_limit' ? 'the app logs too fast' : 'they were not read in time'
  }.`

const view: RecordView<Line> = {
  name: ({ text }) => text,
  columns: { AT: ({ at }) => at, TEXT: ({ text }) => text },
}
