/** `octo logs`: what the script of an action wrote, or writes. Loaded by run.ts. */
import { Option } from 'clipanion'
import type { OutputChunk } from '../../domain/shapes.ts'
import { actionDescription, checkedId, checkedName } from '../command.ts'
import { Failure } from '../failure.ts'
import { OnlineCommand } from '../online.ts'
import type { Look } from '../output.ts'

const streams = {
  all: 'all',
  both: 'all',
  stdout: 'stdout',
  out: 'stdout',
  stderr: 'stderr',
  err: 'stderr',
} as const
type Stream = (typeof streams)[keyof typeof streams]

export class Logs extends OnlineCommand {
  static override paths = [['logs']]
  static override usage = OnlineCommand.Usage({
    description: 'show the output of an action',
    details: `
      Needs the admin credential: output may hold secrets. With --follow both streams come as they are written, until
      the action ends; then the command ends with 0, however the action did. With --tail and -o they come in the order
      in which they were written, too.
    `,
    examples: [
      ['Everything', '$0 logs -a 42'],
      ['Only what went wrong', '$0 logs -a 42 -l stderr'],
      ['The last action of a deployment, live', '$0 logs -n feature-1 --follow'],
      ['Its last 20 lines', '$0 logs -n feature-1 --tail 20'],
    ],
  })

  action = Option.String('-a,--action', { description: actionDescription })
  name = Option.String('-n,--name', { description: 'name of the deployment whose last action is meant' })
  logType = Option.String('-l,--log-type', 'all', {
    description: 'stdout, stderr or all (default); also out, err, both',
  })
  follow = Option.Boolean('--follow', false, { description: 'as it is written, until the action ends' })
  tail = Option.String('--tail', { description: 'only the last N lines; with --follow also what comes then' })

  protected async act(): Promise<void> {
    const find = this.finder()
    if (!Object.hasOwn(streams, this.logType)) {
      throw new Failure('usage', `-l needs one of ${Object.keys(streams).join(', ')}.`)
    }
    const wanted = streams[this.logType as keyof typeof streams]
    const lines = this.tail === undefined ? null : checkedId('--tail', this.tail)
    const action_id = await find()
    if (this.follow || lines !== null || this.format !== null) return this.chunks(action_id, wanted, lines)
    const output = await this.call('getLog', { params: { action_id } })
    // As Octopod 1.6: each part is followed by one new line more.
    const stdout = `${output.stdout.un_stdout}\n`
    const stderr = `${output.stderr.un_stderr}\n`
    if (wanted === 'all') this.print(`\t\tstdout:\n\n${stdout}\t\tstderr:\n\n${stderr}`)
    else this.print(wanted === 'stdout' ? stdout : stderr)
  }

  private finder(): () => Promise<number> {
    const { action } = this
    if (action !== undefined && this.name !== undefined) {
      throw new Failure('usage', 'logs needs -a ID or -n NAME, not both.')
    }
    if (action !== undefined) {
      const id = checkedId('-a', action)
      return async () => id
    }
    if (this.name === undefined) throw new Failure('usage', 'logs needs -a,--action.')
    const name = checkedName(this.name)
    return async () => {
      const { last_action: last } = await this.call('getFullInfo', { params: { name } })
      if (last !== null) return last.action_id
      throw new Failure('refused', `Deployment ${name} has had no action.`, 'There is no output.')
    }
  }

  private async chunks(actionId: number, wanted: Stream, lines: number | null): Promise<void> {
    const all: OutputChunk[] = []
    for await (const chunk of this.source(actionId, wanted, lines)) {
      if (this.format === null) this.print(chunk.text)
      else if (this.format === 'jsonl') await this.tell([chunk], look, 'jsonl')
      else all.push(chunk)
    }
    if (this.format !== null && this.format !== 'jsonl') await this.tell(all, look, this.format)
  }

  private async *source(
    actionId: number,
    wanted: Stream,
    lines: number | null,
  ): AsyncGenerator<OutputChunk, void> {
    let seen = 0
    const wantedOf = async function* (chunks: AsyncIterable<OutputChunk>) {
      for await (const chunk of chunks) {
        seen = chunk.seq
        if (wanted === 'all' || chunk.stream === wanted) yield chunk
      }
    }
    const written = wantedOf(this.written(actionId))
    if (lines !== null) {
      const { lastLines } = await import('../tail.ts')
      yield* await lastLines(written, lines)
    } else if (!this.follow) yield* written
    if (!this.follow) return
    const { followOutput } = await import('../follow.ts')
    const onCut = (failure: Failure) => this.note(`${failure.message} Following on.`)
    yield* wantedOf(followOutput(await this.octopod(), actionId, { after: seen, onCut }))
  }

  /** What there is by now, page by page. */
  private async *written(actionId: number): AsyncGenerator<OutputChunk, void> {
    for (let after = 0; ; ) {
      const page = await this.call('getOutput', {
        params: { action_id: actionId },
        query: { after, limit: 1000 },
      })
      yield* page.chunks
      const last = page.chunks.at(-1)
      if (last === undefined) return
      after = last.seq
    }
  }
}

const look: Look<OutputChunk> = {
  name: ({ seq }) => String(seq),
  columns: {
    SEQ: ({ seq }) => String(seq),
    STREAM: ({ stream }) => stream,
    AT: ({ at }) => at,
    TEXT: ({ text }) => text,
  },
}
