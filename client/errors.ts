/**
 * The one error of API calls, from what the server or a proxy in front of it has answered. Thrown by call-endpoint.ts; the page
 * shows it, octo turns it into an error with an exit code.
 */
import type { ErrorBody, ErrorCode } from '../domain/errors.ts'
import { parseJson } from './parse-json.ts'

/**
 * rejected: an error of Octopod. foreign: an answer that Octopod never sends, such as the web page of a proxy. unreachable: no answer,
 * or only a part of one. timed_out: none in time. failed: anything else.
 */
export type ErrorKind = 'rejected' | 'foreign' | 'unreachable' | 'timed_out' | 'failed'

/** The answer behind an error, for a message that describes it. */
export type Answer = { status: number; type: string; location: string; text: string }

type Details = Partial<Omit<ApiError, 'kind' | keyof Error>> & { cause?: unknown }

export class ApiError extends Error {
  readonly kind: ErrorKind
  /** The HTTP status; 0 without an answer, and when a proxy has answered with its sign-in page. */
  readonly status: number = 0
  /** Null for an answer without a code: of Octopod 1.6, of a proxy. */
  readonly code: ErrorCode | null = null
  /** The id of the request in the log of the server; '' without one. */
  readonly requestId: string = ''
  /** The same request may succeed a little later. */
  readonly retryable: boolean = false
  /** How long the server asks to wait before that. */
  readonly retryAfterMs: number = 0
  /** What the user can do, where the code does not say it. */
  readonly hint: string | null = null
  readonly answer: Answer | null = null

  constructor(kind: ErrorKind, message: string, details: Details = {}) {
    super(message)
    this.kind = kind
    Object.assign(this, details)
  }
}

/** The part of a response that is used here: that of `fetch`, and octo's. */
export type ResponseHead = {
  status: number
  statusText?: string
  headers: { get(name: string): string | null }
}

/** The error for an answer that is no success, or that no Octopod sends. `text`: its body. */
export function errorFromAnswer(response: ResponseHead, text: string): ApiError {
  const { status } = response
  const header = (name: string) => response.headers.get(name) ?? ''
  const answer: Answer = { status, type: header('content-type'), location: header('location'), text }
  const isForeign = status < 400 || (isWebPage(answer) && !isConfigCheckOutput(answer))
  const body = isForeign ? null : readBody(answer)
  const details: Details = {
    status,
    code: body?.code ?? null,
    requestId: header('x-request-id'),
    retryable: isRetryable(status, body?.code ?? null),
    // A date is ignored: few servers send one.
    retryAfterMs: 1000 * (Number(header('retry-after')) || 0),
    answer,
  }
  if (body !== null) return new ApiError('rejected', body.message, { ...details, hint: body.hint ?? null })
  if (status < 400 || status === 401) {
    const hint = 'Sign in again in another tab. Your input on this page is kept.'
    return new ApiError('foreign', 'Your sign-in has ended.', { ...details, status: 0, hint })
  }
  const words = `The server answered ${status} ${response.statusText ?? ''}`.trim()
  return new ApiError('foreign', `${words}.`, details)
}

export const isWebPage = ({ type, text }: Pick<Answer, 'type' | 'text'>): boolean =>
  /html/i.test(type) || /^\s*</.test(text)

/** A failed config_check is answered so, as in Octopod 1.6. What it has printed may begin with `<`. */
const isConfigCheckOutput = ({ status, type }: Answer): boolean =>
  status === 400 && type.startsWith('text/plain')

/** The server shuts down or is busy with this caller, a data store is unreachable, or a proxy has no server. */
function isRetryable(status: number, code: ErrorCode | null): boolean {
  if (code !== null) return ['shutting_down', 'service_unavailable', 'rate_limited'].includes(code)
  return [429, 502, 503, 504].includes(status)
}

type Body = { message: string; code: ErrorCode | null; hint?: string }

/** In each of the forms that Octopod 1.6 and 2 send; null without a message. */
function readBody(answer: Answer): Body | null {
  if (answer.type.startsWith('text/plain')) return readPlainText(answer)
  const body = parseJson<Partial<Record<string, unknown>> & Partial<Pick<ErrorBody, 'tag'>>>(answer.text)
  if (typeof body !== 'object' || body === null) return null
  const code = typeof body.code === 'string' ? (body.code as ErrorCode) : null
  if (body.tag === 'ValidationError' && Array.isArray(body.name_field))
    return { message: body.name_field.map(String).join('\n'), code }
  return body.tag === 'AppError' && typeof body.error_message === 'string'
    ? { message: body.error_message, code }
    : null
}

/** A config_check that rejects may have printed nothing. */
function readPlainText(answer: Answer): Body | null {
  const text = answer.text.trimEnd()
  if (!isConfigCheckOutput(answer)) return text === '' ? null : { message: text, code: null }
  if (text !== '' && !/^config_check rejected the config \(exit code \d+\)\.$/.test(text))
    return { message: text, code: 'config_rejected' }
  const hint = 'Ask your DevOps engineer what the script config_check requires.'
  return { message: 'The config check did not say why.', code: 'config_rejected', hint }
}

/** Converts any thrown value. A TypeError of `fetch` means a network failure. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  const { name, message } = error as Error
  const cause = error
  if (name === 'TimeoutError')
    return new ApiError('timed_out', 'The server did not answer in time.', { cause })
  if (name === 'TypeError') {
    const hint = 'Check your connection, then try again.'
    return new ApiError('unreachable', 'The server cannot be reached.', { cause, hint })
  }
  return new ApiError('failed', message, { cause })
}

/** True: the server rejected the request and changed nothing. */
export const isClientError = ({ status }: Pick<ApiError, 'status'>): boolean => status >= 400 && status < 500
