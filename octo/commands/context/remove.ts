/** `octo context remove`: forgets an installation and its credential. Loaded by run.ts. */
import { Option } from 'clipanion'
import { OctoCommand } from '../../command.ts'
import { noSuchContext, readContexts, writeContexts } from '../../contexts.ts'

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
    const left = contexts.filter(({ name }) => name !== this.name)
    if (left.length === contexts.length) throw noSuchContext(this.name, contexts)
    writeContexts(env, { current: current === this.name ? null : current, contexts: left })
  }
}
