/**
 * Calls the endpoints of domain/api-schema.ts: typed requests and responses, the headers of a request, retries, and one error for
 * every failure. The function that sends a request is given: the page has `fetch`, octo has undici. Used by web/api/client.ts and
 * octo/api/client.ts.
 */
import type { WhenBusy } from '../domain/actions.ts'
import type { Api, EndpointName } from '../domain/api-schema.ts'
import { buildPath, configCheckWaitMs, endpoints, headers } from '../domain/endpoints.ts'
import { backoffMs } from '../lib/backoff.ts'
import { delay } from '../lib/delay.ts'
import { ApiError, errorFromAnswer, isWebPage, type ResponseHead } from './errors.ts'
import { parseJson } from './parse-json.ts'

/** Endpoints whose response has an end; streams are excluded. */
export type CallName = {
  [Name in EndpointName]: Api[Name]['response'] extends 'events' | 'lines' ? never : Name
}[EndpointName]

type ParamOf<Path extends string> = Path extends `${string}:${infer Param}/${infer Rest}`
  ? Param | ParamOf<Rest>
  : Path extends `${string}:${infer Param}`
    ? Param
    : never
type Schema<In, Out> = { _zod: { input: In; output: Out } }
type Params<Path extends string> = [ParamOf<Path>] extends [never]
  ? { params?: undefined }
  : { params: Record<ParamOf<Path>, string | number> }
type Query<Part> = Part extends { query: Schema<infer Input, unknown> }
  ? { query?: Input }
  : { query?: undefined }
type Body<Part> = Part extends { body: Schema<infer Input, unknown> } ? { body: Input } : { body?: undefined }

export type RequestOf<Name extends EndpointName> = Params<Api[Name]['path']> &
  Query<Api[Name]> &
  Body<Api[Name]>
export type ResponseOf<Name extends EndpointName> =
  Api[Name]['response'] extends Schema<unknown, infer Output> ? Output : string

export type RequestOptions = {
  /** The Idempotency-Key: requests with the same key are executed once. */
  key?: string | undefined
  /** Identifies the change for the key, instead of the body. */
  fingerprint?: string | undefined
  /** The user's reason; stored with the action. */
  reason?: string | null | undefined
  /** The revision that a write is based on (If-Match). */
  revision?: number | undefined
  /** What the server does while the deployment is busy; by default it refuses the request. */
  whenBusy?: WhenBusy | undefined
  headers?: Record<string, string>
  signal?: AbortSignal
  /** Null: no limit, for streams. */
  timeoutMs?: number | null
}

/** `path`: with its query, below the address of the installation. */
export type ApiRequest = {
  name: EndpointName
  method: string
  path: string
  headers: Record<string, string>
  body: string | null
  signal: AbortSignal | undefined
  /** Null: no limit. */
  timeoutMs: number | null
}

/** `body`: pieces of the body as they arrive. Either `text` or `body` is read. */
export type ApiResponse = ResponseHead & { text(): Promise<string>; body: AsyncIterable<Uint8Array> }

export type ClientOptions = {
  /** Sends one request. Throws an ApiError without an answer. */
  send(request: ApiRequest): Promise<ApiResponse>
  /** The headers that say who sends the request. Asked before each attempt. */
  identify(name: EndpointName): Record<string, string> | Promise<Record<string, string>>
  /** How often a request is sent again. */
  retries(name: EndpointName): number
  /** After which failures. `identify` may have thrown it. */
  mayRetry(error: unknown): boolean
  /** After 401: whether the same request may succeed now. It is repeated once. */
  recover?(error: ApiError, refused: ApiRequest): Promise<boolean>
  /** Called with every successful answer before it is read. True: no Octopod that the client understands has sent it. */
  isForeign?(response: ResponseHead): boolean
  defaultTimeoutMs: number
}

type Arguments<Name extends EndpointName> =
  Record<never, never> extends RequestOf<Name>
    ? [name: Name, request?: RequestOf<Name> & RequestOptions]
    : [name: Name, request: RequestOf<Name> & RequestOptions]

export type ApiClient = {
  /** Returns the parsed body. Throws ApiError, or the reason of `signal` when that is aborted. */
  call<Name extends CallName>(...args: Arguments<Name>): Promise<ResponseOf<Name>>
  /** Returns the response itself, also for status 304. Throws like `call`. */
  fetch<Name extends EndpointName>(...args: Arguments<Name>): Promise<ApiResponse>
  /** The parsed body of a response of `fetch`. */
  read<Name extends CallName>(name: Name, response: ApiResponse): Promise<ResponseOf<Name>>
}

/** The longest wait that the server can ask for. */
const maxRetryAfterMs = 10_000

export function createApiClient(options: ClientOptions): ApiClient {
  const sendOrRecover = async (
    name: EndpointName,
    content: AnyRequest & RequestOptions,
    mayRecover: boolean,
  ): Promise<ApiResponse> => {
    const request = buildRequest(name, content, await options.identify(name), options.defaultTimeoutMs)
    try {
      return await sendOnce(options, request)
    } catch (error) {
      const isRefused = error instanceof ApiError && error.answer?.status === 401
      if (!mayRecover || !isRefused || !(await options.recover?.(error, request))) throw error
      return sendOrRecover(name, content, false)
    }
  }
  const fetch = async (
    name: EndpointName,
    content: AnyRequest & RequestOptions = {},
  ): Promise<ApiResponse> => {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await sendOrRecover(name, content, true)
      } catch (error) {
        if (content.signal?.aborted) throw content.signal.reason
        if (attempt >= options.retries(name) || !options.mayRetry(error)) throw error
        const askedMs = Math.min((error as Partial<ApiError>).retryAfterMs ?? 0, maxRetryAfterMs)
        await delay(Math.max(backoffMs(attempt, 300, 2000), askedMs), content.signal)
      }
    }
  }
  return {
    fetch,
    read: readBody,
    call: async (...[name, request]) => readBody(name, await fetch(name, request)),
  }
}

type AnyRequest = { params?: unknown; query?: unknown; body?: unknown }

function buildRequest(
  name: EndpointName,
  request: AnyRequest & RequestOptions,
  identity: Record<string, string>,
  defaultTimeoutMs: number,
): ApiRequest {
  const { key, fingerprint, reason, revision, whenBusy, signal } = request
  const { timeoutMs = configCheckWaitMs(name) ?? defaultTimeoutMs } = request
  const body = request.body === undefined ? null : JSON.stringify(request.body)
  return {
    name,
    method: endpoints[name].method,
    path:
      buildPath(name, request.params as Record<string, string | number>) + buildQuery(request.query ?? {}),
    headers: {
      ...identity,
      ...(key && { [headers.idempotencyKey]: key }),
      ...(fingerprint && { [headers.fingerprint]: fingerprint }),
      ...(whenBusy && { [headers.whenBusy]: whenBusy }),
      ...(revision !== undefined && { [headers.ifMatch]: `"${revision}"` }),
      ...(reason && { [headers.reason]: encodeURIComponent(reason.toWellFormed()) }),
      ...(body !== null && { 'Content-Type': 'application/json' }),
      ...request.headers,
    },
    body,
    signal,
    timeoutMs,
  }
}

/** A list becomes one parameter for each of its values. */
function buildQuery(query: object): string {
  const present = Object.entries(query).flatMap(([key, value]) =>
    value === undefined ? [] : [value].flat().map((one) => [key, String(one)]),
  )
  return present.length === 0 ? '' : `?${new URLSearchParams(present)}`
}

async function sendOnce({ send, isForeign }: ClientOptions, request: ApiRequest): Promise<ApiResponse> {
  const response = await send(request)
  const { status } = response
  const isSuccess = (status >= 200 && status < 300) || status === 304
  const type = response.headers.get('content-type') ?? ''
  if (!isSuccess || isWebPage({ type, text: '' }) || isForeign?.(response))
    throw errorFromAnswer(response, await response.text())
  return response
}

const textEndpoints = { ping: true } satisfies Record<TextEndpoint, true>
type TextEndpoint = { [Name in CallName]: Api[Name]['response'] extends 'text' ? Name : never }[CallName]

async function readBody<Name extends CallName>(name: Name, response: ApiResponse): Promise<ResponseOf<Name>> {
  const text = await response.text()
  if (Object.hasOwn(textEndpoints, name)) return text as ResponseOf<Name>
  const json = parseJson<ResponseOf<Name>>(text)
  if (json === null && text.trim() !== 'null') throw errorFromAnswer(response, text)
  return json as ResponseOf<Name>
}

/** Creates an Idempotency-Key. `crypto.randomUUID` exists only on pages served over https. */
export const createIdempotencyKey = (): string => crypto.getRandomValues(new Uint32Array(4)).join('-')
