/** `octo cleanup`: deletes an archived deployment with its data. Loaded by run.ts. */

import { Option } from 'clipanion'
import type { ActionContext, Started } from '../../actions/action-context.ts'
import { requireRight } from '../../api/require-right.ts'
import { ActionCommand, submitAction } from '../../cli/action-command.ts'
import { nameOption, parseName } from '../../cli/base-command.ts'
import { canAsk, confirm } from '../../cli/confirm.ts'

export class Cleanup extends ActionCommand {
  static override paths = [['cleanup']]
  static override usage = ActionCommand.Usage({
    description: 'clean up an archived deployment',
    details: `Deletes its resources and its data permanently, then the deployment and its actions. Asks first on a terminal. Needs to be the owner, or the
      role operator.`,
    examples: [
      ['Delete an archived deployment with its data', '$0 cleanup feature-1'],
      ['Delete it and wait until it is gone', '$0 cleanup feature-1 --wait'],
    ],
  })

  name = nameOption()
  yes = Option.Boolean('-y,--yes', false, { description: 'do not ask' })

  protected override async run(): Promise<number> {
    const name = parseName(this.name)
    if (!this.yes && canAsk(this.context)) {
      await requireRight(await this.client(), 'cleanup', name)
      await confirm(`Delete ${name} and its data permanently?`, this.context)
    }
    return super.run()
  }

  protected async start(context: ActionContext): Promise<Started> {
    return submitAction(context, 'cleanup', parseName(this.name))
  }
}
