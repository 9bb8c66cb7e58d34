/** `octo token revoke`: ends an access token. Loaded by run.ts. */
import { Option } from 'clipanion'
import { ApiCommand } from '../../cli/api-command.ts'
import { parseId } from '../../cli/base-command.ts'
import type { RecordView } from '../../output/formatter.ts'

export class TokenRevoke extends ApiCommand {
  static override paths = [['token', 'revoke']]
  static override usage = ApiCommand.Usage({
    description: 'revoke an access token, as octo token list shows them',
    details: `No server accepts it any more within a second. Admins revoke tokens of everybody.`,
    examples: [['Revoke one', '$0 token revoke 12']],
  })

  token = Option.String({ name: 'ID' })

  protected async run(): Promise<void> {
    const token_id = parseId('ID', this.token)
    await this.call('revokeToken', { params: { token_id } })
    const record = { token_id, state: 'revoked' }
    if (this.format !== null) await this.printRecords({ record }, view, this.format)
  }
}

type RevokedToken = { token_id: number; state: string }

const view: RecordView<RevokedToken> = {
  name: ({ token_id }) => String(token_id),
  columns: { ID: ({ token_id }) => String(token_id), STATE: ({ state }) => state },
}
