/**
 * The credential of a CI job: exchanges its ID token for a token of the server, and again before that ends. Created by client.ts.
 */
import { CliError } from '../../errors/cli-error.ts'
import type { Connection, IdTokenSource, ResponseOf } from '../types.ts'

export type JobCredential = {
  /** Before each request. Throws a CliError when the server does not accept the ID token. */
  ensure(): Promise<void>
  /** After the server has answered 401. False: there is no other token. Throws a CliError that says why there was none. */
  renew(): Promise<boolean>
}

/** Both without retries: the request that needs the credential has them. */
export type JobExchange = {
  read(source: IdTokenSource): Promise<string>
  exchange(idToken: string): Promise<ResponseOf<'exchangeToken'>>
}

/** A request may take this long. */
const marginMs = 60_000

/** Sets `connection.authorization`, which all requests read. */
export function createJobCredential(connection: Connection, { read, exchange }: JobExchange): JobCredential {
  const source = connection.idTokenSource
  let renewAtMs = 0
  let endsAtMs = 0
  let running: Promise<void> | null = null
  /** octo sends no credential: the server may let everybody in. */
  let isOff = source === null
  /** Why it is off, for a server that lets nobody in. */
  let problem: CliError | null = null
  let failedReads = 0

  /** Null: octo goes on without one. */
  const readToken = async (from: IdTokenSource): Promise<string | null> => {
    try {
      return await read(from)
    } catch (error) {
      // Somebody has set the variables of the other sources for octo, and those of GitHub are there for any program.
      const isNeeded = from.type !== 'github' || endsAtMs > 0
      if (!(error instanceof CliError) || isNeeded) throw error
      if (error.transient && failedReads < connection.retries) {
        failedReads += 1
        throw error
      }
      error.transient = false
      problem = error
      return null
    }
  }

  const exchangeNow = async () => {
    if (source === null) return
    const idToken = await readToken(source)
    if (idToken === null) {
      isOff = true
      return
    }
    try {
      const { access_token: token, expires_in: seconds } = await exchange(idToken)
      connection.authorization = `Bearer ${token}`
      connection.credentialSource = source.name
      endsAtMs = Date.now() + seconds * 1000
      renewAtMs = endsAtMs - Math.min(marginMs, seconds * 300)
    } catch (error) {
      if (!(error instanceof CliError)) throw error
      if (!isNotOffered(error)) throw explain(error, source.name)
      isOff = true
      if (error.code === 'no_trust_rules') problem = notAllowed(error, error.remedy)
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
      if (!isOff) await start()
      if (problem !== null) throw problem
      return !isOff
    },
  }
}

/** No trust rules, or a server of an earlier version. A server that shuts down answers 405 too. */
const isNotOffered = ({ code, status }: CliError) =>
  code === 'no_trust_rules' || ((status === 404 || status === 405) && code !== 'shutting_down')

function explain(error: CliError, sourceName: string): CliError {
  if (error.code !== 'id_token_rejected') return error
  const remedy = /single_use/.test(error.message)
    ? 'An earlier command has used it, or the answer to that was lost. Run the job again. Where a job runs several commands with one ID token, ask an admin to remove single_use from its trust rule.'
    : `octo has sent ${sourceName}. Ask an admin for a trust rule of the policy that matches the job.`
  return notAllowed(error, remedy)
}

function notAllowed(error: CliError, remedy: string | null): CliError {
  const explained = new CliError('not_allowed', error.message, remedy)
  explained.status = error.status
  explained.code = error.code
  return explained
}
