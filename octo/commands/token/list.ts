/** `octo token list`: lists access tokens. Loaded by run.ts. */
import { Option } from 'clipanion'
import { ApiCommand } from '../../cli/api-command.ts'
import { tokenView } from '../../output/tokens.ts'

export class TokenList extends ApiCommand {
  static override paths = [['token', 'list']]
  static override usage = ApiCommand.Usage({
    description: 'list your access tokens and those of services of your groups',
    details: `With --all those of everybody, for admins. A token itself is never shown again. Times are UTC.`,
    examples: [
      ['My tokens', '$0 token list'],
      ['Which tokens end soon?', "$0 token list -o json | jq 'sort_by(.expires_at)'"],
    ],
  })

  all = Option.Boolean('--all', false, { description: 'the tokens of everybody' })

  protected async run(): Promise<void> {
    const tokens = await this.call('listTokens', { query: { all: this.all ? 'true' : 'false' } })
    await this.printRecords(tokens, tokenView, 'table')
  }
}
