/** `octo logs`: what the script of an action wrote, or writes. Loaded by run.ts. */
import { Option } from 'clipanion'
import type { OutputChunk } from '../../domain/shapes.ts'
import { actionDescription, checkedId, checkedName } from '../command.ts'
import { Failure } from '../failure.ts'
import { OnlineCommand } from '../online.ts'
import { checkedFormat, type Format, shown } from '../output.ts'

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
      the action ends; then the command ends with 0, however the action did.
    `,
    examples: [
      ['Everything', '$0 logs -a 42'],
      ['Only what went wrong', '$0 logs -a 42 -l stderr'],
      ['The last action of a deployment, live', '$0 logs -n feature-1 --follow'],
    ],
  })

  action = Option.String('-a,--action', { description: actionDescription })
  name = Option.String('-n,--name', { description: 'name of the deployment whose last action is meant' })
  logType = Option.String('-l,--log-type', 'all', {
    description: 'stdout, stderr or all (default); also out, err, both',
  })
  follow = Option.Boolean('--follow', false, { description: 'as it is written, until the action ends' })
  output = Option.String('--output', {
    description: 'jsonl, json or yaml: chunks with number and time; also -o',
  })

  protected async act(): Promise<void> {
    const find = this.finder()
    if (!Object.hasOwn(streams, this.logType)) {
      throw new Failure('usage', `-l needs one of ${Object.keys(streams).join(', ')}.`)
    }
    const wanted = streams[this.logType as keyof typeof streams]
    const format = checkedFormat(this.output, ['jsonl', 'json', 'yaml'])
    const action_id = await find()
    if (this.follow || format !== null) return this.chunks(action_id, wanted, format)
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

  private async chunks(actionId: number, wanted: Stream, format: Format | null): Promise<void> {
    const all: OutputChunk[] = []
    for await (const chunk of this.source(actionId)) {
      if (wanted !== 'all' && chunk.stream !== wanted) continue
      if (format === null) this.print(chunk.text)
      else if (format === 'jsonl') this.print(`${JSON.stringify(chunk)}\n`)
      else all.push(chunk)
    }
    if (format === 'json' || format === 'yaml')
      this.print(await shown(format, all, { name: String, columns: {} }))
  }

  private async *source(actionId: number): AsyncGenerator<OutputChunk, void> {
    if (this.follow) {
      const { followOutput } = await import('../follow.ts')
      const onCut = (failure: Failure) => this.note(`${failure.message} Following on.`)
      yield* followOutput(await this.octopod(), actionId, { onCut })
      return
    }
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
