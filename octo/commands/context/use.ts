/** `octo context use`: changes the current context. Loaded by run.ts. */
import { Option } from 'clipanion'
import { contextView, requireContext, toContextRecord, updateContexts } from '../../api/contexts.ts'
import { OctoCommand } from '../../cli/base-command.ts'

export class ContextUse extends OctoCommand {
  static override paths = [['context', 'use']]
  static override usage = OctoCommand.Usage({
    description: 'use another installation from now on',
    examples: [['Use staging from now on', '$0 context use staging']],
  })

  name = Option.String({ name: 'NAME' })

  protected async run(): Promise<void> {
    const { env } = this.context
    const context = requireContext(env, this.name)
    await updateContexts(env, ({ contexts }) => ({ current: this.name, contexts }))
    if (env.OCTOPOD_URL?.trim()) this.note('OCTOPOD_URL is set and overrides it.')
    if (this.format !== null)
      await this.printRecords({ record: toContextRecord(context, context.name) }, contextView, this.format)
  }
}
