/**
 * Asks the server: one function for every endpoint, typed by the table of domain/api.ts. Adds the
 * credential, a time limit and the words of what went wrong. Made by main.ts, used by everything that asks.
 */
import type { Api } from '../domain/api.ts'
import { headers, type PlaceName, pathOf, places } from '../domain/places.ts'
import { answered, type Problem, problemOfError } from './problem.ts'

type BodyOf<Name extends PlaceName> = Api[Name] extends { body: { _zod: { input: infer Body } } }
  ? Body
  : undefined
type AnswerOf<Name extends PlaceName> = Api[Name] extends { answer: { _zod: { output: infer Answer } } }
  ? Answer
  : string

export type Options<Name extends PlaceName> = {
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
} & (BodyOf<Name> extends undefined ? { body?: undefined } : { body: BodyOf<Name> })

type Arguments<Name extends PlaceName> =
  BodyOf<Name> extends undefined
    ? [name: Name, options?: Options<Name>]
    : [name: Name, options: Options<Name>]

export type Client = {
  /** The parsed answer. Throws a Problem, or an AbortError when `signal` aborts. */
  ask<Name extends PlaceName>(...args: Arguments<Name>): Promise<AnswerOf<Name>>
  /** The answer itself, also 304. Throws like `ask`. */
  open<Name extends PlaceName>(...args: Arguments<Name>): Promise<Response>
}

/** Scripts may take 10 s to answer a question; beyond this nobody waits. */
const defaultTimeoutMs = 20_000

/**
 * `actor`: who asks, as the person says; empty where they do not. `relearn`: whether there is another credential than the
 * one that was refused; then it is asked once more.
 */
export function createClient(
  authorization: () => string,
  onAnswer: (response: Response) => void = () => {},
  actor: () => string = () => '',
  relearn: (refused: string) => Promise<boolean> = async () => false,
): Client {
  const send = async <Name extends PlaceName>(...[name, options]: Arguments<Name>): Promise<Response> => {
    const { params, query = {}, body, key, signal, timeoutMs = defaultTimeoutMs } = options ?? {}
    const path = pathOf(name, params)
    // Numbers become text by themselves.
    const search = new URLSearchParams(query as Record<string, string>)
    const signals = [signal, timeoutMs === null ? null : AbortSignal.timeout(timeoutMs)].filter(
      (one) => !!one,
    )
    try {
      const response = await answered(search.size > 0 ? `${path}?${search}` : path, {
        method: places[name].method,
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
        signal: AbortSignal.any(signals),
      })
      onAnswer(response)
      return response
    } catch (error) {
      if (signal?.aborted) throw signal.reason
      throw problemOfError(error)
    }
  }
  const open: Client['open'] = (...question) => {
    const used = authorization()
    const asking = () => send(...(question as Parameters<typeof send>))
    return asking().catch(async (problem: Problem) => {
      if (problem.code !== 'not_signed_in' || !(await relearn(used))) throw problem
      return asking()
    })
  }
  return {
    open,
    async ask(...question) {
      const response = await open(...(question as Parameters<typeof open>))
      try {
        return await response.json()
      } catch (error) {
        throw problemOfError(error)
      }
    },
  }
}

/** A fresh Idempotency-Key. `crypto.randomUUID` is missing where the page is not served over https. */
export function newKey(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join('-')
}
