/**
 * The credential of a CI job: exchanges its ID token for a token of the server, and again before that ends. Created by client.ts.
 */
import { CliError } from '../../errors/cli-error.ts'
import type { Connection, IdTokenSource, ResponseOf } from '../types.ts'

export type JobCredential = {
  /** Before each request. Throws a CliError when the server does not accept the ID token. */
  ensure(): Promise<void>
  /** After the server has refused the token. False: there is no other one. */
  renew(): Promise<boolean>
}

/** A request may take this long. */
const marginMs = 60_000

/** Sets `connection.authorization`, which all requests read. `exchange` reads the ID token of the source and sends it. */
export function createJobCredential(
  connection: Connection,
  exchange: (source: IdTokenSource) => Promise<ResponseOf<'exchangeToken'>>,
): JobCredential {
  const source = connection.idTokenSource
  let renewAtMs = 0
  let endsAtMs = 0
  let running: Promise<void> | null = null
  /** The server exchanges no ID tokens: it may let everybody in. */
  let isOff = source === null

  const exchangeNow = async () => {
    if (source === null) return
    try {
      const { access_token: token, expires_in: seconds } = await exchange(source)
      connection.authorization = `Bearer ${token}`
      connection.credentialSource = source.name
      endsAtMs = Date.now() + seconds * 1000
      renewAtMs = endsAtMs - Math.min(marginMs, seconds * 300)
    } catch (error) {
      if (!(error instanceof CliError)) throw error
      if (!isNotOffered(error)) throw explain(error, source.name)
      isOff = true
    }
  }
  const start = () => {
    running ??= exchangeNow().finally(() => {
      running = null
    })
    return running
  }

  return {
    ensure: async () => {
      if (isOff || Date.now() < renewAtMs) return
      try {
        await start()
      } catch (error) {
        // The present token counts a little longer, and the next request tries again.
        if (!(error instanceof CliError) || Date.now() >= endsAtMs) throw error
      }
    },
    renew: async () => {
      if (isOff) return false
      await start()
      return !isOff
    },
  }
}

/** No trust rules, or a server of an earlier version. */
const isNotOffered = ({ code, status }: CliError) =>
  code === 'no_trust_rules' || status === 404 || status === 405

function explain(error: CliError, sourceName: string): CliError {
  if (error.code !== 'id_token_rejected') return error
  const explained = new CliError(
    'not_allowed',
    error.message,
    `octo has sent ${sourceName}. Ask an admin for a trust rule of the policy that matches the job.`,
  )
  explained.status = error.status
  explained.code = error.code
  return explained
}
