/** `octo stop-waiting`: ends the wait for a health check that does not pass. Loaded by run.ts. */
import { ApiCommand } from '../../cli/api-command.ts'
import { nameOption, parseName } from '../../cli/base-command.ts'
import { deploymentView } from '../../output/columns.ts'

export class StopWaiting extends ApiCommand {
  static override paths = [['stop-waiting']]
  static override usage = ApiCommand.Usage({
    description: 'stop waiting for a health check that does not pass',
    details: `
      The deployment counts as failed at once, so that it can be updated or archived. Nothing is stopped in the
      deployment itself. The command changes nothing when the check has passed meanwhile.
    `,
    examples: [['Stop waiting, then archive', '$0 stop-waiting feature-1 && $0 archive feature-1']],
  })

  name = nameOption()

  protected async run(): Promise<void> {
    const name = parseName(this.name)
    await this.call('stopWaiting', { params: { name } })
    if (this.format === null) return
    await this.printRecords(
      { record: await this.call('getFullInfo', { params: { name } }) },
      deploymentView,
      this.format,
    )
  }
}
