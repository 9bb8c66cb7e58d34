/**
 * The client of the HTTP API: one typed call for every endpoint of domain/api-schema.ts. It checks the shape of each
 * response, retries temporary failures, and sends an Idempotency-Key with every write, so that a retried write takes
 * effect once. api-command.ts loads it when a command sends its first request.
 */
import type { Dispatcher } from 'undici'
import { buildPath, configCheckWaitMs, endpoints, headers } from '../../domain/endpoints.ts'
import { backoffMs } from '../../lib/backoff.ts'
import { delay } from '../../lib/delay.ts'
import { CliError } from '../errors/cli-error.ts'
import { httpError, invalidResponseError, notOctopodError } from '../errors/http.ts'
import { networkError } from '../errors/network.ts'
import {
  commonHeaders,
  createHttpAgent,
  defaultTimeLimits,
  readResponse,
  type TimeLimits,
} from './http-agent.ts'
import { readIdToken } from './job/id-token.ts'
import { createJobCredential } from './job/job-credential.ts'
import type {
  ApiClient,
  CallName,
  Connection,
  HttpResponse,
  RequestOf,
  RequestOptions,
  ResponseOf,
  TextEndpoint,
} from './types.ts'

type AnyRequest = {
  params?: Record<string, string | number>
  query?: Record<string, unknown>
  body?: unknown
}

/** Opens no connection yet; the first request does. */
export function createApiClient(
  connection: Connection,
  timeLimits: TimeLimits = defaultTimeLimits,
): ApiClient {
  const dispatcher = createHttpAgent(connection, timeLimits)
  let tokenExpires = ''
  const credential = createJobCredential(connection, {
    read: (source) => readIdToken(source, (url, ownHeaders) => get(connection, url, ownHeaders)),
    exchange: async (idToken) => (await request('exchangeToken', { body: tokenExchange(idToken) })).value,
  })
  const request = async <Name extends CallName>(
    name: Name,
    content: RequestOf<Name>,
    options: RequestOptions = {},
  ) => {
    const needsCredential = !withoutCredential.has(name)
    // The same for all attempts, without the credential, which may change between them.
    const ownHeaders = buildHeaders(connection, name, options)
    let isRenewed = false
    const attempt = async (): Promise<HttpResponse> => {
      if (needsCredential) await credential.ensure()
      const requestHeaders = { ...commonHeaders(connection), ...ownHeaders }
      if (name === 'exchangeToken') delete requestHeaders.authorization
      const received = await send(dispatcher, connection, name, content as AnyRequest, requestHeaders)
      tokenExpires = received.tokenExpires
      if (received.status >= 200 && received.status <= 299) return received
      const mayRenew = needsCredential && !isRenewed && connection.idTokenSource !== null
      if (received.status === 401 && mayRenew && (await credential.renew())) {
        isRenewed = true
        return attempt()
      }
      throw httpError(connection, received)
    }
    // The exchange is a part of an attempt of another request, which is retried with another ID token.
    const response = await withRetries(name === 'exchangeToken' ? 0 : connection.retries, attempt)
    return { value: await parseResponse(connection, name, response), actionId: response.actionId }
  }
  return {
    connection,
    dispatcher,
    authorize: credential.ensure,
    renewCredential: credential.renew,
    request,
    call: async (name, content) => (await request(name, content)).value,
    tokenExpires: () => tokenExpires || null,
    close: () => dispatcher.destroy(),
  }
}

/** They need no exchange: the exchange itself, and what works without a credential. */
const withoutCredential: ReadonlySet<CallName> = new Set<CallName>(['exchangeToken', 'ping'])

const tokenExchange = (idToken: string) =>
  ({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: idToken,
    subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
  }) as const

/** To another server than that of the connection, through the same proxies. */
async function get(
  connection: Connection,
  { origin, pathname, search }: URL,
  ownHeaders: Record<string, string>,
): Promise<HttpResponse> {
  const dispatcher = createHttpAgent({ ...connection, origin }, defaultTimeLimits)
  const requestHeaders = { ...commonHeaders({ ...connection, authorization: null }), ...ownHeaders }
  try {
    const path = pathname + search
    return await readResponse(
      await dispatcher.request({ origin, path, method: 'GET', headers: requestHeaders }),
    )
  } finally {
    await dispatcher.destroy()
  }
}

/** Upper limit of the wait that Retry-After asks for. */
const maxRetryAfterMs = 10_000

/** Retries are safe: a read has no effect, and a write carries its Idempotency-Key. */
async function withRetries<T>(retries: number, attemptRequest: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await attemptRequest()
    } catch (error) {
      if (attempt >= retries || !(error instanceof CliError) || !error.transient) throw error
      await delay(Math.max(backoffMs(attempt, 300, 2000), Math.min(error.retryAfterMs, maxRetryAfterMs)))
    }
  }
}

async function send(
  dispatcher: Dispatcher,
  connection: Connection,
  name: CallName,
  request: AnyRequest,
  requestHeaders: Record<string, string>,
): Promise<HttpResponse> {
  const { method } = endpoints[name]
  const path = connection.prefix + buildPath(name, request.params) + buildQuery(request.query)
  const body = request.body === undefined ? null : JSON.stringify(request.body)
  try {
    const response = await dispatcher.request({
      origin: connection.origin,
      method,
      path,
      headers: { ...requestHeaders, ...(body === null ? {} : { 'content-type': 'application/json' }) },
      body,
      headersTimeout: configCheckWaitMs(name),
    })
    return await readResponse(response)
  } catch (error) {
    throw networkError(connection, error, method !== 'GET')
  }
}

function buildHeaders(
  connection: Connection,
  name: CallName,
  options: RequestOptions,
): Record<string, string> {
  const { actor, source, ciRun } = connection.requester
  const reason = options.reason || ciRun
  const actorHeaders = {
    [headers.source]: source,
    ...(actor === null ? {} : { [headers.actor]: encodeURIComponent(actor) }),
  }
  return {
    ...(name === 'whoami' ? actorHeaders : {}),
    ...(endpoints[name].method === 'GET'
      ? {}
      : {
          ...actorHeaders,
          [headers.idempotencyKey]: options.key ?? crypto.randomUUID(),
          ...(options.fingerprint === undefined ? {} : { [headers.fingerprint]: options.fingerprint }),
          ...(options.revision === undefined ? {} : { [headers.ifMatch]: `"${options.revision}"` }),
          ...(reason ? { [headers.reason]: encodeURIComponent(reason.toWellFormed()) } : {}),
        }),
  }
}

function buildQuery(query: Record<string, unknown> = {}): string {
  const present = Object.entries(query).flatMap(([key, value]) =>
    value === undefined ? [] : [value].flat().map((one) => [key, String(one)]),
  )
  return present.length === 0 ? '' : `?${new URLSearchParams(present)}`
}

/** Endpoints whose response is plain text. */
const textEndpoints: Readonly<Record<TextEndpoint, true>> = { ping: true }

const returnsText = (name: CallName): name is TextEndpoint => Object.hasOwn(textEndpoints, name)

async function parseResponse<Name extends CallName>(
  connection: Connection,
  name: Name,
  response: HttpResponse,
): Promise<ResponseOf<Name>> {
  if (returnsText(name)) return response.text as ResponseOf<Name>
  let json: unknown
  try {
    json = JSON.parse(response.text)
  } catch {
    throw notOctopodError(connection, response)
  }
  const { findMismatch } = await import('./validate-response.ts')
  const mismatch = findMismatch(name, json)
  if (mismatch !== null) throw invalidResponseError(connection, name, mismatch)
  return json as ResponseOf<Name>
}
