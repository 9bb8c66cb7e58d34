/** `octo context use`: which installation is meant from now on. Loaded by run.ts. */
import { Option } from 'clipanion'
import { OctoCommand } from '../../command.ts'
import { contextLook, noSuchContext, readContexts, toldOf, writeContexts } from '../../contexts.ts'

export class ContextUse extends OctoCommand {
  static override paths = [['context', 'use']]
  static override usage = OctoCommand.Usage({
    description: 'use another installation from now on',
    examples: [['Another one', '$0 context use staging']],
  })

  name = Option.String({ name: 'NAME' })

  protected async act(): Promise<void> {
    const { env } = this.context
    const { contexts } = readContexts(env)
    const found = contexts.find(({ name }) => name === this.name)
    if (found === undefined) throw noSuchContext(this.name, contexts)
    writeContexts(env, { current: this.name, contexts })
    if (env.OCTOPOD_URL?.trim()) this.note('OCTOPOD_URL is set and wins over it.')
    if (this.format !== null) await this.tell({ one: toldOf(found, found.name) }, contextLook, this.format)
  }
}
