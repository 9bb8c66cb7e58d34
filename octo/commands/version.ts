/** `octo version`: of octo itself; octo ping tells the build of the server. Loaded by run.ts. */
import { OctoCommand } from '../command.ts'
import { checkedFormat, outputOption, shown } from '../output.ts'
import { version } from '../usage.ts'

export class Version extends OctoCommand {
  static override paths = [['version']]
  static override usage = OctoCommand.Usage({
    description: 'tell the version of octo',
    examples: [['Which octo is this?', '$0 version']],
  })

  output = outputOption()

  protected async act(): Promise<void> {
    const format = checkedFormat(this.output) ?? 'name'
    const one = { version, platform: `${process.platform}-${process.arch}` }
    const columns = { VERSION: () => one.version, PLATFORM: () => one.platform }
    this.print(await shown(format, { one }, { name: () => version, columns }))
  }
}
