/** `octo restore`: brings an archived deployment back. Loaded by run.ts. */
import { ActionCommand, type ActionContext, type Started, submitAction } from '../../cli/action-command.ts'
import { nameOption, parseName } from '../../cli/base-command.ts'

export class Restore extends ActionCommand {
  static override paths = [['restore']]
  static override usage = ActionCommand.Usage({
    description: 'restore an archived deployment',
    details: `It comes back with the overrides and the data it had.`,
    examples: [
      ['Bring a deployment back', '$0 restore -n feature-1'],
      ['And wait until it runs', '$0 restore -n feature-1 --wait'],
    ],
  })

  name = nameOption()

  protected async start(tools: ActionContext): Promise<Started> {
    return submitAction(tools, 'restore', parseName(this.name))
  }
}
