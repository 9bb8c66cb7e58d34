/** `octo logs`: prints the output of an action's script, with --follow while it is written. Loaded by run.ts. */
import { Option } from 'clipanion'
import type { OutputChunk } from '../../../domain/schemas.ts'
import { toPlainText } from '../../../lib/terminal/text.ts'
import { ApiCommand } from '../../cli/api-command.ts'
import { actionDescription, optionalNameOption, parseId, parseName } from '../../cli/base-command.ts'
import { CliError } from '../../errors/cli-error.ts'
import type { RecordView } from '../../output/formatter.ts'
import { createLineCleaner, passThrough } from '../../output/line-cleaner.ts'
import type { Terminal } from '../../output/terminal-text.ts'

const streamNames = {
  all: 'all',
  both: 'all',
  stdout: 'stdout',
  out: 'stdout',
  stderr: 'stderr',
  err: 'stderr',
} as const
type Stream = (typeof streamNames)[keyof typeof streamNames]

export class Logs extends ApiCommand {
  static override paths = [['logs']]
  static override usage = ApiCommand.Usage({
    description: 'show the output of an action',
    details: `
      The installation decides who may read output (OUTPUT_READERS). With --follow, --tail or -o both streams are
      printed in the order in which they were written. A terminal shows text without control sequences. --follow ends
      when the action ends, with exit code 0 whatever its result.
    `,
    examples: [
      ['Everything', '$0 logs -a 42'],
      ['Only the error stream', '$0 logs -a 42 -l stderr'],
      ['The last action of a deployment, live', '$0 logs feature-1 -f'],
      ['Its last 20 lines', '$0 logs feature-1 --tail 20'],
    ],
  })

  action = Option.String('-a,--action', { description: actionDescription })
  name = optionalNameOption('name of a deployment, instead of NAME; shows its last action')
  logType = Option.String('-l,--log-type', 'all', {
    description: 'stdout, stderr or all (default); also out, err, both',
  })
  follow = Option.Boolean('-f,--follow', false, {
    description: 'print output while it is written, until the action ends',
  })
  tail = Option.String('--tail', {
    description: 'only the last N lines; with --follow also all later output',
  })

  protected async run(): Promise<void> {
    const findActionId = this.createActionFinder()
    if (!Object.hasOwn(streamNames, this.logType)) {
      throw new CliError('usage', `-l needs one of ${Object.keys(streamNames).join(', ')}.`)
    }
    const stream = streamNames[this.logType as keyof typeof streamNames]
    const lineCount = this.tail === undefined ? null : parseId('--tail', this.tail)
    const action_id = await findActionId()
    if (this.follow || lineCount !== null || this.format !== null)
      return this.printChunks(action_id, stream, lineCount)
    const output = await this.call('getLog', { params: { action_id } })
    // As in Octopod 1.6, each part ends with an extra new line.
    const clean = this.isTerminal ? toPlainText : (text: string) => text
    const stdout = `${clean(output.stdout.un_stdout)}\n`
    const stderr = `${clean(output.stderr.un_stderr)}\n`
    if (stream === 'all') await this.print(`\t\tstdout:\n\n${stdout}\t\tstderr:\n\n${stderr}`)
    else await this.print(stream === 'stdout' ? stdout : stderr)
    if (stream === 'stdout' && output.output_removal_reason) this.note(output.output_removal_reason)
  }

  private get isTerminal(): boolean {
    return (this.context.stdout as unknown as Terminal).isTTY === true
  }

  private createActionFinder(): () => Promise<number> {
    const { action } = this
    if (action !== undefined && this.name !== undefined) {
      throw new CliError('usage', 'logs needs NAME or -a ID, not both.')
    }
    if (action !== undefined) {
      const id = parseId('-a', action)
      return async () => id
    }
    if (this.name === undefined) throw new CliError('usage', 'logs needs NAME or -a ID.')
    const name = parseName(this.name)
    return async () => {
      const { last_action: lastAction } = await this.call('getFullInfo', { params: { name } })
      if (lastAction !== null) return lastAction.action_id
      throw new CliError('refused', `Deployment ${name} has no actions.`, 'There is no output.')
    }
  }

  private async printChunks(actionId: number, stream: Stream, lineCount: number | null): Promise<void> {
    const allChunks: OutputChunk[] = []
    const cleaner = this.isTerminal ? createLineCleaner() : passThrough
    for await (const chunk of this.readChunks(actionId, stream, lineCount)) {
      if (this.format === null) await this.print(cleaner.push(chunk.stream, chunk.text))
      else if (this.format === 'jsonl') await this.printRecords([chunk], view, 'jsonl')
      else allChunks.push(chunk)
    }
    if (this.format === null) await this.print(cleaner.end())
    else if (this.format !== 'jsonl') await this.printRecords(allChunks, view, this.format)
  }

  private async *readChunks(
    actionId: number,
    stream: Stream,
    lineCount: number | null,
  ): AsyncGenerator<OutputChunk, void> {
    let lastSeq = 0
    const filterByStream = async function* (chunks: AsyncIterable<OutputChunk>) {
      for await (const chunk of chunks) {
        lastSeq = chunk.seq
        if (stream === 'all' || chunk.stream === stream) yield chunk
      }
    }
    const written = filterByStream(this.readWrittenChunks(actionId))
    if (lineCount !== null) {
      const { lastLines } = await import('../../output/tail.ts')
      yield* await lastLines(written, lineCount)
    } else if (!this.follow) yield* written
    if (!this.follow) return
    const { streamOutput } = await import('../../actions/stream-output.ts')
    const onConnectionLost = (failure: CliError) => this.note(`${failure.message} Reconnecting.`)
    const onRemoved = (reason: string) => this.note(reason)
    const options = { after: lastSeq, onConnectionLost, onRemoved }
    yield* filterByStream(streamOutput(await this.client(), actionId, options))
  }

  /** The output written so far, page by page. */
  private async *readWrittenChunks(actionId: number): AsyncGenerator<OutputChunk, void> {
    for (let after = 0; ; ) {
      const page = await this.call('getOutput', {
        params: { action_id: actionId },
        query: { after, limit: 1000 },
      })
      // With --follow the stream that comes next tells it.
      if (page.output_removal_reason && !this.follow) this.note(page.output_removal_reason)
      yield* page.chunks
      const lastChunk = page.chunks.at(-1)
      if (lastChunk === undefined) return
      after = lastChunk.seq
    }
  }
}

const view: RecordView<OutputChunk> = {
  name: ({ seq }) => String(seq),
  columns: {
    SEQ: ({ seq }) => String(seq),
    STREAM: ({ stream }) => stream,
    AT: ({ at }) => at,
    TEXT: ({ text }) => text,
  },
}
