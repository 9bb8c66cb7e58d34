/** `octo context remove`: deletes a saved installation and its credential. Loaded by run.ts. */
import { Option } from 'clipanion'
import {
  contextView,
  readContexts,
  toContextRecord,
  unknownContextError,
  writeContexts,
} from '../../api/contexts.ts'
import { OctoCommand } from '../../cli/base-command.ts'

export class ContextRemove extends OctoCommand {
  static override paths = [['context', 'remove']]
  static override usage = OctoCommand.Usage({
    description: 'delete a saved installation and its credential',
    examples: [['Delete one', '$0 context remove staging']],
  })

  name = Option.String({ name: 'NAME' })

  protected async run(): Promise<void> {
    const { env } = this.context
    const { current, contexts } = readContexts(env)
    const context = contexts.find(({ name }) => name === this.name)
    if (context === undefined) throw unknownContextError(this.name, contexts)
    const remaining = contexts.filter((saved) => saved !== context)
    writeContexts(env, { current: current === this.name ? null : current, contexts: remaining })
    if (this.format !== null)
      await this.printRecords({ record: toContextRecord(context, null) }, contextView, this.format)
  }
}
