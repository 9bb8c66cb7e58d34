/**
 * The requests of the device flow (RFC 8628): asks the server for a code, and for the token until somebody has approved. Called by
 * commands/login/login.ts.
 */
import type { Dispatcher } from 'undici'
import { errorFromAnswer, type ResponseHead } from '../../client/errors.ts'
import { authPaths } from '../../domain/endpoints.ts'
import { delay } from '../../lib/delay.ts'
import { commonHeaders, createHttpAgent, defaultTimeLimits, sendRequest } from '../api/http-agent.ts'
import type { Connection } from '../api/types.ts'
import { CliError } from '../errors/cli-error.ts'
import { invalidResponseError, toCliError } from '../errors/http.ts'

/** What the server has said about a login. `page`: where a person approves, with the code. */
export type StartedLogin = {
  deviceCode: string
  userCode: string
  page: string
  lifetimeMs: number
  intervalMs: number
}
export type LoginToken = { token: string; name: string; role: string; expiresInMs: number }

export type DeviceLogin = {
  start(clientName: string): Promise<StartedLogin>
  /**
   * Resolves with the token, or with null when `signal` aborts before there is one. Throws a CliError when the login is denied or
   * the time is over.
   */
  waitForToken(login: StartedLogin, signal: AbortSignal): Promise<LoginToken | null>
  close(): Promise<void>
}

/** How much longer a program waits after `slow_down`, as RFC 8628 says. */
const slowDownMs = 5000
/** The browser is quicker than the first interval. */
const firstWaitMs = 1000

export function createDeviceLogin(connection: Connection): DeviceLogin {
  const dispatcher = createHttpAgent(connection, defaultTimeLimits)
  const post = (path: string, body: Record<string, string>) => send(dispatcher, connection, path, body)
  return {
    async start(clientName) {
      const response = await post(authPaths.device, { client_name: clientName })
      // A server of the last release knows no such path.
      if (response.status === 404 || response.status === 405)
        throw new CliError(
          'refused',
          `${connection.serverAddress} does not know octo login.`,
          'Update the server, or save a credential: octo context set NAME --authorization-file FILE',
        )
      if (response.status !== 200) throw answerError(connection, response)
      return readStarted(connection, response)
    },
    async waitForToken(login, signal) {
      const endsAtMs = performance.now() + login.lifetimeMs
      let { intervalMs } = login
      let waitMs = Math.min(intervalMs, firstWaitMs)
      for (;;) {
        await delay(waitMs, signal)
        if (signal.aborted) return null
        const outcome = await askForToken(connection, () =>
          post(authPaths.deviceToken, { device_code: login.deviceCode, grant_type: grantType }),
        )
        if (typeof outcome === 'object') return outcome
        if (performance.now() > endsAtMs) throw expired()
        if (outcome === 'slow_down') intervalMs += slowDownMs
        waitMs = intervalMs
      }
    },
    close: () => dispatcher.destroy(),
  }
}

type HttpResponse = ResponseHead & { text: string }

const answerError = (connection: Connection, response: HttpResponse) =>
  toCliError(connection, errorFromAnswer(response, response.text), false)

const grantType = 'urn:ietf:params:oauth:grant-type:device_code'

async function send(
  dispatcher: Dispatcher,
  connection: Connection,
  path: string,
  body: Record<string, string>,
): Promise<HttpResponse> {
  try {
    const response = await sendRequest(dispatcher, connection, {
      method: 'POST',
      path,
      headers: { ...commonHeaders(connection), 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: undefined,
      timeoutMs: null,
    })
    return { ...response, text: await response.text() }
  } catch (error) {
    throw toCliError(connection, error, false)
  }
}

function readStarted(connection: Connection, response: HttpResponse): StartedLogin {
  const { device_code, user_code, verification_uri, verification_uri_complete, expires_in, interval } =
    readJson(response)
  const page = String(verification_uri_complete ?? verification_uri)
  // A browser opens it.
  const isPage = /^https?:$/.test(URL.parse(page)?.protocol ?? '')
  if (typeof device_code !== 'string' || typeof user_code !== 'string' || !isPage)
    throw invalidResponseError(connection, authPaths.device, 'device_code, user_code, verification_uri')
  return {
    deviceCode: device_code,
    userCode: user_code,
    page,
    lifetimeMs: (Number(expires_in) || 600) * 1000,
    // RFC 8628: 5 seconds where the server does not say it.
    intervalMs: Math.max(1, Number(interval ?? 5) || 1) * 1000,
  }
}

/** `pending` also while the server is unreachable: nothing is lost, and the code counts on. */
async function askForToken(
  connection: Connection,
  post: () => Promise<HttpResponse>,
): Promise<LoginToken | 'pending' | 'slow_down'> {
  let response: HttpResponse
  try {
    response = await post()
  } catch (error) {
    if (error instanceof CliError && error.kind === 'unreachable') return 'pending'
    throw error
  }
  if (response.status === 429) return 'slow_down'
  if (response.status >= 500) return 'pending'
  const { error, error_description, access_token, name, role, expires_in } = readJson(response)
  if (response.status === 200 && typeof access_token === 'string')
    return {
      token: access_token,
      name: String(name ?? ''),
      role: String(role ?? ''),
      expiresInMs: Number(expires_in) * 1000,
    }
  if (error === 'authorization_pending') return 'pending'
  if (error === 'slow_down') return 'slow_down'
  if (error === 'expired_token') throw expired()
  if (typeof error === 'string')
    throw new CliError(
      error === 'access_denied' ? 'not_allowed' : 'refused',
      String(error_description ?? error),
      'Start again: octo login',
    )
  throw answerError(connection, response)
}

const expired = () =>
  new CliError('timed_out', 'Nobody has approved the login in time.', 'Start again: octo login')

function readJson({ text }: HttpResponse): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(text)
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
