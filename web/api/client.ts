/**
 * Asks the server: one function for every endpoint, typed by the table of domain/api-schema.ts. Adds the
 * credential, a time limit and the words of what went wrong. Made by main.ts, used by everything that asks.
 */
import type { Api } from '../../domain/api-schema.ts'
import { buildPath, type EndpointName, endpoints, headers } from '../../domain/endpoints.ts'
import { type ApiError, fetchOrThrow, toApiError } from './errors.ts'

type RequestBody<Name extends EndpointName> = Api[Name] extends { body: { _zod: { input: infer Body } } }
  ? Body
  : undefined
type ResponseBody<Name extends EndpointName> = Api[Name] extends {
  response: { _zod: { output: infer Answer } }
}
  ? Answer
  : string

export type RequestOptions<Name extends EndpointName> = {
  params?: Record<string, string | number>
  query?: Record<string, string | number>
  /** The same key is the same request: sent again, it acts once. */
  key?: string
  /** Why, in the person's own words; kept with the action. */
  reason?: string
  headers?: Record<string, string>
  signal?: AbortSignal
  /** No limit where the answer is a stream. */
  timeoutMs?: number | null
} & (RequestBody<Name> extends undefined ? { body?: undefined } : { body: RequestBody<Name> })

type Arguments<Name extends EndpointName> =
  RequestBody<Name> extends undefined
    ? [name: Name, options?: RequestOptions<Name>]
    : [name: Name, options: RequestOptions<Name>]

export type ApiClient = {
  /** The parsed answer. Throws a Problem, or an AbortError when `signal` aborts. */
  call<Name extends EndpointName>(...args: Arguments<Name>): Promise<ResponseBody<Name>>
  /** The answer itself, also 304. Throws like `ask`. */
  fetch<Name extends EndpointName>(...args: Arguments<Name>): Promise<Response>
}

/** Scripts may take 10 s to answer a question; beyond this nobody waits. */
const defaultTimeoutMs = 20_000

/**
 * `actor`: who asks, as the person says; empty where they do not. `relearn`: whether there is another credential than the
 * one that was refused; then it is asked once more.
 */
export function createClient(
  authorization: () => string,
  onResponse: (response: Response) => void = () => {},
  actor: () => string = () => '',
  reloadDefaultCredential: (refused: string) => Promise<boolean> = async () => false,
): ApiClient {
  const send = async <Name extends EndpointName>(...[name, options]: Arguments<Name>): Promise<Response> => {
    const { params, query = {}, body, key, signal, timeoutMs = defaultTimeoutMs } = options ?? {}
    const path = buildPath(name, params)
    // Numbers become text by themselves.
    const search = new URLSearchParams(query as Record<string, string>)
    const abortSignals = [signal, timeoutMs === null ? null : AbortSignal.timeout(timeoutMs)].filter(
      (one) => !!one,
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
  const fetchWithRetry: ApiClient['fetch'] = (...question) => {
    const usedCredential = authorization()
    const attempt = () => send(...(question as Parameters<typeof send>))
    return attempt().catch(async (problem: ApiError) => {
      if (problem.code !== 'not_signed_in' || !(await reloadDefaultCredential(usedCredential))) throw problem
      return attempt()
    })
  }
  return {
    fetch: fetchWithRetry,
    async call(...question) {
      const response = await fetchWithRetry(...(question as Parameters<typeof fetchWithRetry>))
      try {
        return await response.json()
      } catch (error) {
        throw toApiError(error)
      }
    },
  }
}

/** A fresh Idempotency-Key. `crypto.randomUUID` is missing where the page is not served over https. */
export function createIdempotencyKey(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join('-')
}
