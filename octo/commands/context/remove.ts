/** `octo context remove`: forgets an installation and its credential. Loaded by run.ts. */
import { Option } from 'clipanion'
import { OctoCommand } from '../../command.ts'
import { contextLook, noSuchContext, readContexts, toldOf, writeContexts } from '../../contexts.ts'

export class ContextRemove extends OctoCommand {
  static override paths = [['context', 'remove']]
  static override usage = OctoCommand.Usage({
    description: 'forget an installation and its credential',
    examples: [['Forget one', '$0 context remove staging']],
  })

  name = Option.String({ name: 'NAME' })

  protected async act(): Promise<void> {
    const { env } = this.context
    const { current, contexts } = readContexts(env)
    const found = contexts.find(({ name }) => name === this.name)
    if (found === undefined) throw noSuchContext(this.name, contexts)
    const left = contexts.filter((one) => one !== found)
    writeContexts(env, { current: current === this.name ? null : current, contexts: left })
    if (this.format !== null) await this.tell({ one: toldOf(found, null) }, contextLook, this.format)
  }
}
