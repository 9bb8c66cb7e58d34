/** `octo login`: gets an access token from the person, who approves it on the page, and keeps it in a context. Loaded by run.ts. */
import { Option } from 'clipanion'
import { isSameAddress } from '../../api/address.ts'
import { createApiClient } from '../../api/client.ts'
import { readConnection } from '../../api/connection.ts'
import { requireWritableContexts, updateContexts } from '../../api/contexts.ts'
import type { Connection, Context } from '../../api/types.ts'
import { OctoCommand } from '../../cli/base-command.ts'
import { canOpenBrowser, openInBrowser } from '../../cli/open-browser.ts'
import { onInterrupt } from '../../cli/signals.ts'
import { CliError } from '../../errors/cli-error.ts'
import {
  createDeviceLogin,
  type DeviceLogin,
  type LoginToken,
  type StartedLogin,
} from '../../login/device-login.ts'
import {
  chooseLoginTarget,
  describeClient,
  isPersonalToken,
  type LoginTarget,
} from '../../login/login-context.ts'
import type { RecordView } from '../../output/formatter.ts'
import { createProgress } from '../../output/progress.ts'
import { formatTimestamp } from '../../output/table.ts'
import { type Terminal, toSingleLine } from '../../output/terminal-text.ts'

export class Login extends OctoCommand {
  static override paths = [['login']]
  static override usage = OctoCommand.Usage({
    description: 'sign in: approve octo on the page, in any browser',
    details: `
      Shows a code and opens the page of the installation. Sign in there, compare the code and approve. octo keeps the access token
      in a context, in a file that only you can read. The page may be open on another device, so it works over SSH and in a
      container too. Without --context and --url it is for OCTOPOD_URL, else for the current context.
    `,
    examples: [
      ['The first time', '$0 login --url https://octopod.example.com'],
      ['Again, for the same installation', '$0 login'],
      ['On a machine without a browser', '$0 login --no-browser'],
    ],
  })

  url = Option.String('--url', { description: 'address of the installation' })
  contextName = Option.String('--context', { description: 'which installation, as octo context lists them' })
  noBrowser = Option.Boolean('--no-browser', false, { description: 'print the address and start no browser' })

  protected async run(): Promise<void> {
    const { env } = this.context
    const target = chooseLoginTarget(env, this)
    const { authorization: _, ...withoutCredential } = target.context
    const connection = readConnection(env, withoutCredential)
    // Nobody should approve what cannot be kept.
    await requireWritableContexts(env)
    const login = createDeviceLogin(connection)
    try {
      const started = await login.start(describeClient(connection))
      this.showCode(connection, started)
      await this.openBrowser(started)
      const token = await this.waitForToken(login, connection, started)
      await this.keep(connection, target, token)
    } finally {
      await login.close()
    }
  }

  private showCode({ serverAddress }: Connection, { page, userCode }: StartedLogin): void {
    const [address, code] = [toSingleLine(page), toSingleLine(userCode)]
    this.context.stderr.write(
      `To sign in at ${serverAddress}, open\n\n    ${address}\n\nin any browser, check that the page shows the code ${code}, and approve.\n\n`,
    )
  }

  private async openBrowser({ page }: StartedLogin): Promise<void> {
    const { env, stderr } = this.context
    if (this.noBrowser || !(stderr as unknown as Terminal).isTTY || !canOpenBrowser(env)) return
    try {
      await openInBrowser(page, env)
    } catch (error) {
      if (!(error instanceof CliError)) throw error
      this.note(`${error.message} Open the address yourself.`)
    }
  }

  /** Ctrl-C ends the wait. A token that arrives at that moment is revoked. */
  private async waitForToken(
    login: DeviceLogin,
    connection: Connection,
    started: StartedLogin,
  ): Promise<LoginToken> {
    const stopped = new AbortController()
    let endProcess: (() => void) | null = null
    const removeListeners = onInterrupt((end) => {
      if (endProcess !== null) return end()
      endProcess = end
      stopped.abort()
    })
    const progress = createProgress(this.context.stderr as unknown as Terminal, this.context.env, false)
    progress.status('Waiting for the approval')
    let outcome = 'Not signed in'
    try {
      const token = await login.waitForToken(started, stopped.signal)
      if (endProcess !== null) {
        if (token !== null) await this.revoke(connection, `Bearer ${token.token}`)
        progress.status('Stopped. The code counts no more')
        progress.end()
        ;(endProcess as () => void)()
        // The signal ends the process.
        await new Promise(() => {})
      }
      if (token === null) throw new CliError('cancelled', 'The login was stopped.')
      outcome = 'Approved'
      return token
    } finally {
      progress.status(outcome)
      progress.end()
      removeListeners()
    }
  }

  private async keep(connection: Connection, target: LoginTarget, token: LoginToken): Promise<void> {
    const { env } = this.context
    const authorization = `Bearer ${token.token}`
    const { name, url } = target.context
    const save = () =>
      updateContexts(env, ({ current, contexts }) => {
        const previous = contexts.find((saved) => saved.name === name)
        const kept: Context = { ...previous, name, url, authorization, is_login: true }
        return {
          current: target.becomesCurrent ? name : current,
          contexts: [...contexts.filter((saved) => saved.name !== name), kept],
        }
      })
    const { before } = await save().catch(async (error) => {
      await this.revoke(connection, authorization)
      throw error
    })
    const replaced = before.contexts.find((saved) => saved.name === name)
    const client = createApiClient({ ...connection, authorization, isLogin: true })
    try {
      if (replaced?.authorization !== undefined) await this.endOld(connection, replaced, url)
      const { actor, role } = await client.call('whoami', {})
      const expires_at = new Date(Date.now() + token.expiresInMs).toISOString()
      const record = { context: name, who: actor, role, url: connection.serverAddress, expires_at }
      await this.printRecords({ record }, view, 'table')
    } finally {
      await client.close()
    }
    if (env.OCTO_AUTHORIZATION_HEADER?.trim() && env.OCTOPOD_URL?.trim())
      this.note('OCTO_AUTHORIZATION_HEADER is set and goes before this login: unset it.')
    else if (env.OCTOPOD_URL?.trim() && !isSameAddress(env.OCTOPOD_URL, url))
      this.note(`OCTOPOD_URL is set to another address. Use this login with --context ${name}.`)
  }

  private async endOld(
    connection: Connection,
    { authorization, url: oldUrl }: Context,
    url: string,
  ): Promise<void> {
    if (isPersonalToken(authorization) && isSameAddress(oldUrl, url))
      await this.revoke(connection, authorization ?? '')
    else this.note('The credential that the context had is replaced.')
  }

  /** The token does no harm where it cannot be revoked: it has an end, and nobody else has it. */
  private async revoke(connection: Connection, authorization: string): Promise<void> {
    const client = createApiClient({ ...connection, authorization, retries: 0 })
    try {
      await client.call('revokeToken', { params: { token_id: 'current' } })
    } catch (error) {
      if (!(error instanceof CliError)) throw error
    } finally {
      await client.close()
    }
  }
}

type LoginRecord = { context: string; who: string; role: string | null; url: string; expires_at: string }

const view: RecordView<LoginRecord> = {
  name: ({ context }) => context,
  columns: {
    CONTEXT: ({ context }) => context,
    WHO: ({ who }) => who,
    ROLE: ({ role }) => role ?? 'none',
    URL: ({ url }) => url,
    'TOKEN EXPIRES': ({ expires_at }) => formatTimestamp(expires_at),
  },
}
