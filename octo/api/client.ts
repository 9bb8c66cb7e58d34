/**
 * The API client of octo: client/ with undici, retries of temporary failures, and an Idempotency-Key with every write, so that a
 * retried write takes effect once. Every failure is a CliError. api-command.ts loads it when a command sends its first request.
 */
import { createApiClient as createClient } from '../../client/call-endpoint.ts'
import { ApiError } from '../../client/errors.ts'
import { apiVersion, type EndpointName, endpoints, headers } from '../../domain/endpoints.ts'
import { CliError } from '../errors/cli-error.ts'
import { toCliError } from '../errors/http.ts'
import {
  commonHeaders,
  createHttpAgent,
  defaultTimeLimits,
  sendRequest,
  type TimeLimits,
} from './http-agent.ts'
import { readIdToken } from './job/id-token.ts'
import { createJobCredential } from './job/job-credential.ts'
import type { ApiClient, Connection, RequestOptions } from './types.ts'

/** Opens no connection yet; the first request does. */
export function createApiClient(
  connection: Connection,
  timeLimits: TimeLimits = defaultTimeLimits,
): ApiClient {
  const dispatcher = createHttpAgent(connection, timeLimits)
  let tokenExpires: string | null = null
  let isKnown = false
  const credential = createJobCredential(connection, {
    read: (source) => readIdToken(source, (url, ownHeaders) => get(connection, url, ownHeaders)),
    exchange: (idToken) => call('exchangeToken', { body: tokenExchange(idToken) }),
  })
  const client = createClient({
    send: (request) => sendRequest(dispatcher, connection, request),
    identify: async (name) => {
      if (!withoutCredential.has(name)) await credential.ensure()
      const { authorization, ...others } = commonHeaders(connection)
      const isSent = name !== 'exchangeToken' && authorization !== undefined
      return { ...others, ...(isSent && { authorization }), ...requesterHeaders(connection, name) }
    },
    retries: (name) => (withoutRetries.has(name) ? 0 : connection.retries),
    mayRetry: (error) =>
      (error instanceof CliError && error.transient) || (error instanceof ApiError && error.retryable),
    recover: async (_, { name }) =>
      connection.idTokenSource !== null && !withoutCredential.has(name) && credential.renew(),
    // The first answer says that this is Octopod. Later ones are trusted.
    isForeign: (response) => {
      tokenExpires = response.headers.get(headers.tokenExpires)
      isKnown ||= response.headers.get(headers.version)?.split('.')[0] === apiVersion.split('.')[0]
      return !isKnown
    },
    defaultTimeoutMs: timeLimits.responseTimeoutMs,
  })
  const explain = (name: EndpointName, error: unknown) =>
    toCliError(connection, error, endpoints[name].method !== 'GET')
  const withKey = (name: EndpointName, options: RequestOptions) =>
    endpoints[name].method === 'GET'
      ? options
      : {
          ...options,
          key: options.key ?? crypto.randomUUID(),
          reason: options.reason || connection.requester.ciRun,
        }
  const request: ApiClient['request'] = async (name, content, options = {}) => {
    try {
      const response = await client.fetch(name, { ...content, ...withKey(name, options) })
      const actionId = Number(response.headers.get(headers.actionId)) || null
      return { value: await client.read(name, response), actionId }
    } catch (error) {
      throw explain(name, error)
    }
  }
  const call: ApiClient['call'] = async (name, content) => (await request(name, content)).value
  return {
    connection,
    request,
    call,
    send: (one) => sendRequest(dispatcher, connection, one),
    http: client,
    authorize: credential.ensure,
    tokenExpires: () => tokenExpires,
    close: () => dispatcher.destroy(),
  }
}

/** They need no exchange: the exchange itself, and what works without a credential. */
const withoutCredential: ReadonlySet<EndpointName> = new Set<EndpointName>(['exchangeToken', 'ping'])

/** Readers of streams and of outcomes connect again themselves. The exchange is a part of another request, which is retried with another ID token. */
const withoutRetries: ReadonlySet<EndpointName> = new Set<EndpointName>([
  'exchangeToken',
  'changeMany',
  'streamOutput',
  'streamAppLogs',
  'streamAuditEntries',
])

const tokenExchange = (idToken: string) =>
  ({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: idToken,
    subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
  }) as const

/** With every write. Reads change nothing, and whoami says what the server would store. */
function requesterHeaders({ requester }: Connection, name: EndpointName): Record<string, string> {
  const { actor, source } = requester
  if (endpoints[name].method === 'GET' && name !== 'whoami') return {}
  return {
    [headers.source]: source,
    ...(actor !== null && { [headers.actor]: encodeURIComponent(actor) }),
  }
}

/** To another server than that of the connection, through the same proxies. */
async function get(
  connection: Connection,
  { origin, pathname, search }: URL,
  ownHeaders: Record<string, string>,
): Promise<{ status: number; text: string }> {
  const dispatcher = createHttpAgent({ ...connection, origin }, defaultTimeLimits)
  const requestHeaders = { ...commonHeaders({ ...connection, authorization: null }), ...ownHeaders }
  try {
    const target = { origin, path: pathname + search, method: 'GET', headers: requestHeaders }
    const response = await dispatcher.request(target)
    return { status: response.statusCode, text: await response.body.text() }
  } finally {
    await dispatcher.destroy()
  }
}
