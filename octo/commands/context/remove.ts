/** `octo context remove`: deletes a saved installation and its credential. Loaded by run.ts. */
import { Option } from 'clipanion'
import { contextView, requireContext, toContextRecord, updateContexts } from '../../api/contexts.ts'
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
    const context = requireContext(env, this.name)
    await updateContexts(env, ({ current, contexts }) => ({
      current: current === this.name ? null : current,
      contexts: contexts.filter(({ name }) => name !== this.name),
    }))
    if (this.format !== null)
      await this.printRecords({ record: toContextRecord(context, null) }, contextView, this.format)
  }
}
