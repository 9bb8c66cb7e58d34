/** `octo archive`: archives a deployment and keeps its data. Loaded by run.ts. */
import type { ActionContext, Started } from '../../actions/action-context.ts'
import { BulkActionCommand, submitAction } from '../../cli/action-command.ts'
import { parseName } from '../../cli/base-command.ts'
import { noteWaiting, parseWhenBusy, whenBusyOption } from '../../cli/when-busy.ts'

export class Archive extends BulkActionCommand {
  static override paths = [['archive']]
  static override usage = BulkActionCommand.Usage({
    description: 'archive deployments',
    details: `Frees its resources and keeps its data. octo restore brings the deployment back.`,
    examples: [
      ['Archive a deployment', '$0 archive feature-1'],
      ['Archive it and wait', '$0 archive feature-1 --wait --timeout 10m'],
      ['Several', '$0 archive feature-1 feature-2'],
      ['By labels: first look, then do it', '$0 archive -l team=shop --dry-run'],
    ],
  })

  protected readonly operation = 'archive'
  protected readonly verb = 'Archive'

  override whenBusy = whenBusyOption()

  protected async start(context: ActionContext): Promise<Started> {
    const name = parseName(this.name)
    const whenBusy = parseWhenBusy(this.whenBusy)
    return noteWaiting(context, await submitAction(context, 'archive', name, whenBusy), whenBusy)
  }
}
