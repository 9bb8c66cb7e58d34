/** `octo restore`: restores an archived deployment. Loaded by run.ts. */
import type { ActionContext, Started } from '../../actions/action-context.ts'
import { BulkActionCommand, submitAction } from '../../cli/action-command.ts'
import { parseName } from '../../cli/base-command.ts'
import { noteWaiting, parseWhenBusy, whenBusyOption } from '../../cli/when-busy.ts'

export class Restore extends BulkActionCommand {
  static override paths = [['restore']]
  static override usage = BulkActionCommand.Usage({
    description: 'restore deployments',
    details: `Restores it with its overrides and its data.`,
    examples: [
      ['Restore a deployment', '$0 restore feature-1'],
      ['Restore it and wait until it runs', '$0 restore feature-1 --wait'],
      ['Several', '$0 restore feature-1 feature-2'],
      ['By labels: first look, then do it', '$0 restore -l team=shop --dry-run'],
    ],
  })

  protected readonly operation = 'restore'
  protected readonly verb = 'Restore'

  override whenBusy = whenBusyOption()

  protected async start(context: ActionContext): Promise<Started> {
    const name = parseName(this.name)
    const whenBusy = parseWhenBusy(this.whenBusy)
    return noteWaiting(context, await submitAction(context, 'restore', name, whenBusy), whenBusy)
  }
}
