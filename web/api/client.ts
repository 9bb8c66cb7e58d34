/**
 * Calls the server: one typed function for every endpoint of domain/api-schema.ts. Adds the credential and a
 * time limit, and turns failures into ApiError. Created by app-context.ts.
 */
import type { Api } from '../../domain/api-schema.ts'
import {
  buildPath,
  configCheckWaitMs,
  type EndpointName,
  endpoints,
  headers,
} from '../../domain/endpoints.ts'
import { delay } from '../../lib/delay.ts'
import { ApiError, fetchOrThrow, toApiError } from './errors.ts'

type RequestBody<Name extends EndpointName> = Api[Name] extends { body: { _zod: { input: infer Body } } }
  ? Body
  : undefined
type ResponseBody<Name extends EndpointName> = Api[Name] extends {
  response: { _zod: { output: infer Result } }
}
  ? Result
  : string

export type RequestOptions<Name extends EndpointName> = {
  params?: Record<string, string | number>
  query?: Record<string, string | number>
  /** Requests with the same key are executed once. */
  key?: string
  /** The user's reason; stored with the action. */
  reason?: string
  headers?: Record<string, string>
  signal?: AbortSignal
  /** Null: no time limit, for streamed responses. */
  timeoutMs?: number | null
} & (RequestBody<Name> extends undefined ? { body?: undefined } : { body: RequestBody<Name> })

type Arguments<Name extends EndpointName> =
  RequestBody<Name> extends undefined
    ? [name: Name, options?: RequestOptions<Name>]
    : [name: Name, options: RequestOptions<Name>]

export type ApiClient = {
  /** Returns the parsed response body. Throws ApiError, or the abort reason when `signal` is aborted. */
  call<Name extends EndpointName>(...args: Arguments<Name>): Promise<ResponseBody<Name>>
  /** Returns the response itself, also for status 304. Throws like `call`. */
  fetch<Name extends EndpointName>(...args: Arguments<Name>): Promise<Response>
}

/** Longer than SCRIPT_QUERY_TIMEOUT (10 s). Endpoints that run config_check have a longer one. */
const defaultTimeoutMs = 20_000

/** Attempts of a request that exceeds a limit of callers, and the longest wait between them. */
const maxLimitedAttempts = 4
const maxRetryAfterMs = 10_000

/**
 * `actor`: the display name that the user entered, or ''. `recover` is called with an answer 401 and the refused
 * credential; it returns true when a different one is now available, and the request is then repeated once.
 */
export function createClient(
  authorization: () => string,
  onResponse: (response: Response) => void = () => {},
  actor: () => string = () => '',
  recover: (error: ApiError, refused: string) => Promise<boolean> = async () => false,
): ApiClient {
  const send = async <Name extends EndpointName>(...[name, options]: Arguments<Name>): Promise<Response> => {
    const { params, query = {}, body, key, signal } = options ?? {}
    const { timeoutMs = configCheckWaitMs(name) ?? defaultTimeoutMs } = options ?? {}
    const path = buildPath(name, params)
    // URLSearchParams converts numbers to text.
    const search = new URLSearchParams(query as Record<string, string>)
    const abortSignals = [signal, timeoutMs === null ? null : AbortSignal.timeout(timeoutMs)].filter(
      (signal) => !!signal,
    )
    try {
      const response = await fetchOrThrow(search.size > 0 ? `${path}?${search}` : path, {
        method: endpoints[name].method,
        headers: {
          [headers.source]: 'page',
          ...(authorization() && { Authorization: authorization() }),
          ...(actor() && { [headers.actor]: encodeURIComponent(actor()) }),
          ...(options?.reason && { [headers.reason]: encodeURIComponent(options.reason) }),
          ...(key && { [headers.idempotencyKey]: key }),
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
          ...options?.headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.any(abortSignals),
      })
      onResponse(response)
      return response
    } catch (error) {
      if (signal?.aborted) throw signal.reason
      throw toApiError(error)
    }
  }
  /** All users of one credential or address share a limit, so that a refusal may be over in a second. */
  const sendWithinLimits = async (...request: Parameters<typeof send>): Promise<Response> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await send(...request)
      } catch (error) {
        if (!(error instanceof ApiError) || error.code !== 'rate_limited') throw error
        if (attempt === maxLimitedAttempts) throw error
        await delay(Math.min(error.retryAfterMs, maxRetryAfterMs), request[1]?.signal)
      }
    }
  }
  const fetchWithRetry: ApiClient['fetch'] = (...request) => {
    const usedCredential = authorization()
    const attempt = () => sendWithinLimits(...(request as Parameters<typeof send>))
    return attempt().catch(async (error: ApiError) => {
      if (error.status !== 401 || !(await recover(error, usedCredential))) throw error
      return attempt()
    })
  }
  return {
    fetch: fetchWithRetry,
    async call(...request) {
      const response = await fetchWithRetry(...(request as Parameters<typeof fetchWithRetry>))
      try {
        return await response.json()
      } catch (error) {
        throw toApiError(error)
      }
    },
  }
}

/** Creates an Idempotency-Key. `crypto.randomUUID` exists only on pages served over https. */
export function createIdempotencyKey(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join('-')
}
