/** `octo version`: the version of octo; octo ping prints the build of the server. Loaded by run.ts. */
import { OctoCommand } from '../cli/base-command.ts'
import { version } from '../cli/version.ts'

export class Version extends OctoCommand {
  static override paths = [['version']]
  static override usage = OctoCommand.Usage({
    description: 'print the version of octo',
    examples: [['The version of octo', '$0 version']],
  })

  protected async run(): Promise<void> {
    const one = { version, platform: `${process.platform}-${process.arch}` }
    const columns = { VERSION: () => one.version, PLATFORM: () => one.platform }
    await this.printRecords({ one }, { name: () => version, columns }, 'name')
  }
}
