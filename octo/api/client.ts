/**
 * One typed call for every endpoint of domain/api-schema.ts: method, path and the shape of the answer come from the
 * table, so that a wrong server is noticed. What failed in passing is sent again; a write carries an Idempotency-Key,
 * so that it acts once however often it is sent. Loaded by base-command.ts when the first request is made.
 */
import type { Dispatcher } from 'undici'
import type { z } from 'zod'
import type { Api, EndpointName } from '../../domain/api-schema.ts'
import { buildPath, endpoints, headers } from '../../domain/endpoints.ts'
import { backoffMs } from '../../lib/backoff.ts'
import { delay } from '../../lib/delay.ts'
import { CliError } from '../errors/cli-error.ts'
import { type HttpResponse, httpError, invalidResponseError, notOctopodError } from '../errors/http.ts'
import { networkError } from '../errors/network.ts'
import type { Connection } from './connection.ts'
import { createHttpAgent, defaultTimeLimits, type TimeLimits } from './http-agent.ts'

/** Endpoints that answer once; a stream of events is not a call. */
export type CallName = {
  [Name in EndpointName]: Api[Name]['response'] extends 'events' ? never : Name
}[EndpointName]

type TextEndpoint = { [Name in CallName]: Api[Name]['response'] extends 'text' ? Name : never }[CallName]

type ParamOf<Path extends string> = Path extends `${string}:${infer Param}/${infer Rest}`
  ? Param | ParamOf<Rest>
  : Path extends `${string}:${infer Param}`
    ? Param
    : never
type OptionalQuery<Part> = Part extends { query: infer Query extends z.ZodType }
  ? { query?: z.input<Query> }
  : unknown
type RequiredBody<Part> = Part extends { body: infer Body extends z.ZodType }
  ? { body: z.input<Body> }
  : unknown
type Params<Path extends string> = [ParamOf<Path>] extends [never]
  ? unknown
  : { params: Record<ParamOf<Path>, string | number> }

export type RequestOf<Name extends CallName> = Params<Api[Name]['path']> &
  RequiredBody<Api[Name]> &
  OptionalQuery<Api[Name]>
export type ResponseOf<Name extends CallName> = Api[Name]['response'] extends z.ZodType
  ? z.output<Api[Name]['response']>
  : string

/** `key`: the Idempotency-Key of a write, else a new one. `reason`: kept with the action. `revision`: of what the write is
 * based on. `fingerprint`: what the key stands for in place of the body. */
export type RequestOptions = {
  key?: string | undefined
  reason?: string | null | undefined
  revision?: number | undefined
  fingerprint?: string | undefined
}
/** `actionId`: of the action that was accepted, where one was. */
export type ApiResult<Name extends CallName> = { value: ResponseOf<Name>; actionId: number | null }
type HttpResponseWithAction = HttpResponse & { actionId: number | null }

export type ApiClient = {
  connection: Connection
  dispatcher: Dispatcher
  call<Name extends CallName>(name: Name, request: RequestOf<Name>): Promise<ResponseOf<Name>>
  request<Name extends CallName>(
    name: Name,
    request: RequestOf<Name>,
    options?: RequestOptions,
  ): Promise<ApiResult<Name>>
  close(): Promise<void>
}

type AnyRequest = {
  params?: Record<string, string | number>
  query?: Record<string, unknown>
  body?: unknown
}

/** Opens nothing yet; the first call connects. */
export function createApiClient(connection: Connection, limits: TimeLimits = defaultTimeLimits): ApiClient {
  const dispatcher = createHttpAgent(connection, limits)
  const ask = async <Name extends CallName>(
    name: Name,
    request: RequestOf<Name>,
    options: RequestOptions = {},
  ) => {
    const requestHeaders = requestHeadersFor(connection, name, options)
    const response = await withRetries(connection.retries, async () => {
      const response = await send(dispatcher, connection, name, request as AnyRequest, requestHeaders)
      if (response.status < 200 || response.status > 299) throw httpError(connection, response)
      return response
    })
    return { value: await parseResponse(connection, name, response), actionId: response.actionId }
  }
  return {
    connection,
    dispatcher,
    request: ask,
    call: async (name, request) => (await ask(name, request)).value,
    close: () => dispatcher.destroy(),
  }
}

/** However long a proxy asks for. */
const maxRetryAfterMs = 10_000

/** Every endpoint that only reads may be asked twice, and every other carries its key. */
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
): Promise<HttpResponseWithAction> {
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
    })
    return await readResponse(response)
  } catch (error) {
    throw networkError(connection, error, method !== 'GET')
  }
}

/** An answer read to its end. Throws what the network makes of it. */
export async function readResponse({
  statusCode,
  headers: requestHeaders,
  body,
}: Dispatcher.ResponseData): Promise<HttpResponseWithAction> {
  const header = (wanted: string) => String(requestHeaders[wanted.toLowerCase()] ?? '')
  return {
    status: statusCode,
    type: header('content-type'),
    location: header('location'),
    requestId: header(headers.requestId),
    actionId: Number(header(headers.actionId)) || null,
    // A date, as few send it, is as good as none.
    retryAfterMs: Number(header('retry-after')) * 1000 || 0,
    text: await body.text(),
  }
}

function requestHeadersFor(
  connection: Connection,
  name: CallName,
  options: RequestOptions,
): Record<string, string> {
  const { actor, source, runUrl } = connection.identity
  const reason = options.reason || runUrl
  const actorHeaders = {
    [headers.source]: source,
    ...(actor === null ? {} : { [headers.actor]: encodeURIComponent(actor) }),
  }
  return {
    ...commonHeaders(connection),
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

/** What every request says, whatever it asks. */
export function commonHeaders(connection: Connection, accept = 'application/json'): Record<string, string> {
  return {
    accept,
    'user-agent': 'octo',
    ...(connection.authorization === null ? {} : { authorization: connection.authorization }),
  }
}

function buildQuery(query: Record<string, unknown> = {}): string {
  const present = Object.entries(query).filter(([, value]) => value !== undefined)
  return present.length === 0
    ? ''
    : `?${new URLSearchParams(present.map(([key, value]) => [key, String(value)]))}`
}

/** Their answer is text, as it is. */
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
