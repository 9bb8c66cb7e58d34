/**
 * Errors of API calls with a message and a hint for the user. Every failed call of the page throws ApiError.
 */
import type { ErrorBody, ErrorCode } from '../../domain/errors.ts'
import { parseJson } from './parse-json.ts'

export class ApiError extends Error {
  /** The HTTP status; 0 without a response. */
  readonly status: number
  readonly code: ErrorCode | null
  /** What the user can do. */
  readonly hint: string
  /** When the same request can succeed. */
  retryAfterMs = 0

  constructor(message: string, status = 0, code: ErrorCode | null = null, hint = hintFor(code, status)) {
    super(message)
    this.status = status
    this.code = code
    this.hint = hint
  }
}

/** Returns a successful response, also 304. Otherwise throws ApiError, or the error of `fetch`. */
export async function fetchOrThrow(path: string, request: RequestInit): Promise<Response> {
  // A redirect comes from a proxy that requires a sign-in. The page cannot follow it.
  const response = await fetch(path, { ...request, cache: 'no-store', redirect: 'manual' })
  if (response.status === 304 || (response.ok && !hasContentType(response, 'html'))) return response
  throw await errorFromResponse(response)
}

/** Creates an error from an unsuccessful or foreign response. Reads the body. */
export async function errorFromResponse(response: Response): Promise<ApiError> {
  const { status } = response
  const text = (await response.text().catch(() => '')).trim()
  const body = hasContentType(response, 'json') ? parseJson<ErrorBody>(text) : null
  if (body?.code !== undefined) {
    const message = body.tag === 'AppError' ? body.error_message : body.name_field.join(' ')
    const error = new ApiError(message, status, body.code)
    error.retryAfterMs = 1000 * (Number(response.headers.get('retry-after')) || 0)
    return error
  }
  if (status < 400 || status === 401) {
    return new ApiError(
      'Your sign-in has ended.',
      0,
      null,
      'Sign in again in another tab. Your input on this page is kept.',
    )
  }
  // A failed config_check is answered in plain text, as in Octopod 1.6. It may have printed nothing.
  if (status === 400) {
    return text === '' || /^config_check rejected the config \(exit code \d+\)\.$/.test(text)
      ? new ApiError('The config check did not say why.', status, 'config_rejected', unexplainedHint)
      : new ApiError(text, status, 'config_rejected')
  }
  const message = `The server answered ${status} ${response.statusText}`.trim()
  return new ApiError(`${message}.`, status)
}

/** Hints for users of the page; the hints for programs are in domain/errors.ts. */
const hints: Partial<Record<ErrorCode, string>> = {
  name_taken: 'Choose another name, or update the existing deployment.',
  config_rejected: 'Change the config as the message says.',
  unauthenticated: 'Sign in, then try again.',
  session_ended: 'Sign in again. Your input on this page is kept.',
  forbidden: 'Ask somebody who has this role, or an admin.',
  no_such_code: 'Type the code that your program shows now.',
  precondition_failed: 'Review the changes, then save again.',
  busy: 'Wait until the running action has ended, or cancel it.',
  rate_limited: 'Wait a few seconds, then try again.',
  script_failed: 'A control script failed. Contact your DevOps engineer.',
  script_query_timeout: 'No runner answered in time. Contact your DevOps engineer.',
}

const unexplainedHint = 'Ask your DevOps engineer what the script config_check requires.'
const retryHint = 'Try again in a moment. If the problem persists, contact your DevOps engineer.'

function hintFor(code: ErrorCode | null, status: number): string {
  return (
    (code && hints[code]) ?? (status < 500 ? 'Change what the message names, then try again.' : retryHint)
  )
}

/** Converts any thrown value. A TypeError of `fetch` means a network failure. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  const { name, message } = error as Error
  if (name === 'TimeoutError') {
    return new ApiError('The server did not answer in time.', 0, null, retryHint)
  }
  if (name === 'TypeError') {
    return new ApiError('The server cannot be reached.', 0, null, 'Check your connection, then try again.')
  }
  return new ApiError(message)
}

/** True: the server rejected the request and changed nothing. */
export const isClientError = ({ status }: ApiError): boolean => status >= 400 && status < 500

const hasContentType = ({ headers }: Response, type: string) => headers.get('content-type')?.includes(type)
