/** `octo sessions`: lists where somebody is signed in. Loaded by run.ts. */
import { Option } from 'clipanion'
import { ApiCommand } from '../../cli/api-command.ts'
import { sessionView } from '../../output/sessions.ts'

export class SessionList extends ApiCommand {
  static override paths = [['sessions']]
  static override usage = ApiCommand.Usage({
    description: 'list your sessions on the page; end one',
    details: `A session is a browser in which you are signed in. With --all those of everybody, for admins. Times are UTC.`,
    examples: [
      ['Where am I signed in?', '$0 sessions'],
      ['Who is signed in?', '$0 sessions --all'],
      ['End one', '$0 sessions end 7'],
    ],
  })

  all = Option.Boolean('--all', false, { description: 'the sessions of everybody' })

  protected async run(): Promise<void> {
    const sessions = await this.call('listSessions', { query: { all: this.all ? 'true' : 'false' } })
    await this.printRecords(sessions, sessionView, 'table')
  }
}
