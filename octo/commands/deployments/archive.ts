/** `octo archive`: archives a deployment and keeps its data. Loaded by run.ts. */
import type { ActionContext, Started } from '../../actions/action-context.ts'
import { ActionCommand, submitAction } from '../../cli/action-command.ts'
import { nameOption, parseName } from '../../cli/base-command.ts'

export class Archive extends ActionCommand {
  static override paths = [['archive']]
  static override usage = ActionCommand.Usage({
    description: 'archive a deployment',
    details: `Frees its resources and keeps its data. octo restore brings the deployment back.`,
    examples: [
      ['Archive a deployment', '$0 archive feature-1'],
      ['Archive it and wait', '$0 archive feature-1 --wait --timeout 10m'],
    ],
  })

  name = nameOption()

  protected async start(context: ActionContext): Promise<Started> {
    return submitAction(context, 'archive', parseName(this.name))
  }
}
