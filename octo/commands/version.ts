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
    const record = { version, platform: `${process.platform}-${process.arch}` }
    const columns = { VERSION: () => record.version, PLATFORM: () => record.platform }
    await this.printRecords({ record }, { name: () => version, columns }, 'name')
  }
}
