/** `octo archive`: puts a deployment away, its data stays. Loaded by run.ts. */
import { ActionCommand, type ActionContext, type Started, submitAction } from '../../cli/action-command.ts'
import { nameOption, parseName } from '../../cli/base-command.ts'

export class Archive extends ActionCommand {
  static override paths = [['archive']]
  static override usage = ActionCommand.Usage({
    description: 'archive a deployment',
    details: `Its resources are given back, its data stays: octo restore brings both back.`,
    examples: [
      ['Put a deployment away', '$0 archive -n feature-1'],
      ['And wait until it is', '$0 archive -n feature-1 --wait --timeout 10m'],
    ],
  })

  name = nameOption()

  protected async start(tools: ActionContext): Promise<Started> {
    return submitAction(tools, 'archive', parseName(this.name))
  }
}
