/** `octo restore`: restores an archived deployment. Loaded by run.ts. */
import type { ActionContext, Started } from '../../actions/action-context.ts'
import { ActionCommand, submitAction } from '../../cli/action-command.ts'
import { nameOption, parseName } from '../../cli/base-command.ts'

export class Restore extends ActionCommand {
  static override paths = [['restore']]
  static override usage = ActionCommand.Usage({
    description: 'restore an archived deployment',
    details: `Restores it with its overrides and its data.`,
    examples: [
      ['Restore a deployment', '$0 restore feature-1'],
      ['Restore it and wait until it runs', '$0 restore feature-1 --wait'],
    ],
  })

  name = nameOption()

  protected async start(context: ActionContext): Promise<Started> {
    return submitAction(context, 'restore', parseName(this.name))
  }
}
