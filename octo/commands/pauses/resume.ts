/** `octo resume`: ends a pause. Loaded by run.ts. */
import { Option } from 'clipanion'
import type { Pausable } from '../../../domain/pauses/pause.ts'
import { ApiCommand } from '../../cli/api-command.ts'
import type { RecordView } from '../../output/formatter.ts'
import { parseWhat } from './pause-view.ts'

export class ResumeWork extends ApiCommand {
  static override paths = [['resume']]
  static override usage = ApiCommand.Usage({
    description: 'end a pause of checks, retention or notifications',
    details: `What has waited goes on within seconds. Without such a pause nothing changes. Needs the right pause for all names.`,
    examples: [['Go on with checks', '$0 resume checks']],
  })

  what = Option.String({ name: 'WHAT' })

  protected async run(): Promise<void> {
    const what = parseWhat(this.what)
    await this.call('resumeWork', { params: { what } })
    const record = { what, state: 'resumed' }
    if (this.format !== null) await this.printRecords({ record }, view, this.format)
  }
}

const view: RecordView<{ what: Pausable; state: string }> = {
  name: ({ what }) => what,
  columns: { WHAT: ({ what }) => what, STATE: ({ state }) => state },
}
