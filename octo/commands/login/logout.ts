/** `octo logout`: revokes the access token of a context on the server and forgets it. Loaded by run.ts. */
import { readConnection } from '../../api/connection.ts'
import { chooseContext, findContextOf, isLogin, readContexts, updateContexts } from '../../api/contexts.ts'
import type { Connection, Context } from '../../api/types.ts'
import { ApiCommand } from '../../cli/api-command.ts'
import { CliError } from '../../errors/cli-error.ts'
import { isPersonalToken } from '../../login/login-context.ts'
import type { RecordView } from '../../output/formatter.ts'

export class Logout extends ApiCommand {
  static override paths = [['logout']]
  static override usage = ApiCommand.Usage({
    description: 'revoke the access token of octo login and forget it',
    details: `
      No server accepts the token any more within a second. If the server is unreachable, octo forgets the token nevertheless, says until
      when it would count, and exits with 7.
    `,
    examples: [
      ['Sign out', '$0 logout'],
      ['Of another installation', '$0 logout --context staging'],
    ],
  })

  protected async run(): Promise<void> {
    const { env } = this.context
    const context = await this.savedContext(env)
    const authorization = context?.authorization
    if (context === null || authorization === undefined) {
      this.note('Nobody is signed in with octo login here.')
      return this.printRecord({ context: context?.name ?? null, state: 'signed_out' })
    }
    const { name } = context
    if (!isPersonalToken(authorization))
      throw new CliError(
        'settings',
        `The credential of context ${name} is no access token of a person.`,
        `Remove it with its context: octo context remove ${name}`,
      )
    const failure = await revoke(readConnection(env, context))
    await updateContexts(env, (file) => ({
      ...file,
      // Another octo may have logged in again.
      contexts: file.contexts.map((saved) => (saved.authorization === authorization ? forget(saved) : saved)),
    }))
    if (failure === null)
      this.note(`Signed out of ${context.url}: the access token of context ${name} is revoked and forgotten.`)
    await this.printResult(failure, () => this.printRecord({ context: name, state: 'signed_out' }))
  }

  private async savedContext(env: NodeJS.ProcessEnv): Promise<Context | null> {
    const url = env.OCTOPOD_URL?.trim() ?? ''
    if (this.contextName !== undefined || url === '') return chooseContext(env, this.contextName)
    return findContextOf(readContexts(env), url, isLogin)
  }

  private async printRecord(record: LogoutRecord): Promise<void> {
    if (this.format !== null) await this.printRecords({ record }, view, this.format)
  }
}

/** Returns why the token may count on; null when it does not. */
async function revoke(connection: Connection): Promise<CliError | null> {
  const { createApiClient } = await import('../../api/client.ts')
  const client = createApiClient(connection)
  try {
    await client.call('revokeToken', { params: { token_id: 'current' } })
    return null
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    // It has expired, or was revoked before.
    if (error.status === 401 || error.code === 'no_such_token') return null
    return new CliError(
      error.kind,
      `octo has forgotten the token, but it was not revoked: ${error.message}`,
      'It counts until its end. Revoke it on the page, under Access tokens, or with octo token revoke.',
      error,
    )
  } finally {
    await client.close()
  }
}

function forget({ authorization: _, is_login: __, ...context }: Context): Context {
  return context
}

type LogoutRecord = { context: string | null; state: string }

const view: RecordView<LogoutRecord> = {
  name: ({ context }) => context ?? '',
  columns: { CONTEXT: ({ context }) => context ?? '', STATE: ({ state }) => state },
}
