/** `octo logs`: what the script of an action wrote. Loaded by main.ts. */
import { Option } from 'clipanion'
import { actionDescription, checkedId, OctoCommand } from '../command.ts'
import { Failure } from '../failure.ts'

const streams = {
  all: 'all',
  both: 'all',
  stdout: 'stdout',
  out: 'stdout',
  stderr: 'stderr',
  err: 'stderr',
} as const

export class Logs extends OctoCommand {
  static override paths = [['logs']]
  static override usage = OctoCommand.Usage({
    description: 'show the output of an action',
    details: `Needs the admin credential: output may hold secrets.`,
    examples: [
      ['Everything', '$0 logs -a 42'],
      ['Only what went wrong', '$0 logs -a 42 -l stderr'],
    ],
  })

  action = Option.String('-a,--action', { required: true, description: actionDescription })
  logType = Option.String('-l,--log-type', 'all', {
    description: 'stdout, stderr or all (default); also out, err, both',
  })

  protected async act(): Promise<void> {
    const action_id = checkedId('-a', this.action)
    if (!Object.hasOwn(streams, this.logType)) {
      throw new Failure('usage', `-l needs one of ${Object.keys(streams).join(', ')}.`)
    }
    const wanted = streams[this.logType as keyof typeof streams]
    const output = await this.call('getLog', { params: { action_id } })
    // As Octopod 1.6: each part is followed by one new line more.
    const stdout = `${output.stdout.un_stdout}\n`
    const stderr = `${output.stderr.un_stderr}\n`
    if (wanted === 'all') this.print(`\t\tstdout:\n\n${stdout}\t\tstderr:\n\n${stderr}`)
    else this.print(wanted === 'stdout' ? stdout : stderr)
  }
}
