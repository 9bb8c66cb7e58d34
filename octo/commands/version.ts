/** `octo version`: of octo itself; octo ping tells the build of the server. Loaded by run.ts. */
import { OctoCommand } from '../cli/base-command.ts'
import { version } from '../cli/version.ts'

export class Version extends OctoCommand {
  static override paths = [['version']]
  static override usage = OctoCommand.Usage({
    description: 'tell the version of octo',
    examples: [['Which octo is this?', '$0 version']],
  })

  protected async run(): Promise<void> {
    const one = { version, platform: `${process.platform}-${process.arch}` }
    const columns = { VERSION: () => one.version, PLATFORM: () => one.platform }
    await this.printRecords({ one }, { name: () => version, columns }, 'name')
  }
}
