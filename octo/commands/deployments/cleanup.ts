/** `octo cleanup`: removes an archived deployment with its data. Loaded by run.ts. */
import { ActionCommand, type ActionContext, type Started, submitAction } from '../../cli/action-command.ts'
import { nameOption, parseName } from '../../cli/base-command.ts'

export class Cleanup extends ActionCommand {
  static override paths = [['cleanup']]
  static override usage = ActionCommand.Usage({
    description: 'clean up an archived deployment',
    details: `Removes its resources and its data for ever, then the deployment and its actions. Needs the admin credential.`,
    examples: [
      ['Remove an archived deployment with its data', '$0 cleanup -n feature-1'],
      ['And wait until it is gone', '$0 cleanup -n feature-1 --wait'],
    ],
  })

  name = nameOption()

  protected async start(tools: ActionContext): Promise<Started> {
    return submitAction(tools, 'cleanup', parseName(this.name))
  }
}
