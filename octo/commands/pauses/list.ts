/** `octo pauses`: lists what is paused. Loaded by run.ts. */
import { ApiCommand } from '../../cli/api-command.ts'
import { pauseView } from './pause-view.ts'

export class PauseList extends ApiCommand {
  static override paths = [['pauses']]
  static override usage = ApiCommand.Usage({
    description: 'list what is paused for all deployments, by whom and why',
    details: `Checks, retention and notifications can be paused with octo pause. Times are UTC.`,
    examples: [['What is paused?', '$0 pauses']],
  })

  protected async run(): Promise<void> {
    await this.printRecords(await this.call('listPauses', {}), pauseView, 'table')
  }
}
