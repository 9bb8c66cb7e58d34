/** `octo sessions end`: signs a browser out. Loaded by run.ts. */
import { Option } from 'clipanion'
import { ApiCommand } from '../../cli/api-command.ts'
import { parseId } from '../../cli/base-command.ts'
import type { RecordView } from '../../output/formatter.ts'

export class SessionEnd extends ApiCommand {
  static override paths = [['sessions', 'end']]
  static override usage = ApiCommand.Usage({
    description: 'end a session, as octo sessions lists them',
    details: `
      Its browser must sign in again, and its open pages lose their connection within a second. Admins end sessions of
      everybody.
    `,
    examples: [['End one', '$0 sessions end 7']],
  })

  session = Option.String({ name: 'ID' })

  protected async run(): Promise<void> {
    const session_id = parseId('ID', this.session)
    await this.call('endSession', { params: { session_id } })
    const record = { session_id, state: 'ended' }
    if (this.format !== null) await this.printRecords({ record }, view, this.format)
  }
}

type EndedSession = { session_id: number; state: string }

const view: RecordView<EndedSession> = {
  name: ({ session_id }) => String(session_id),
  columns: { ID: ({ session_id }) => String(session_id), STATE: ({ state }) => state },
}
