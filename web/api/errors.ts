/** What went wrong, in words a person can act on: from a refused answer, a lost network, a server that stays silent. */
import type { ErrorBody, ErrorCode } from '../../domain/errors.ts'
import { parseJson } from './parse-json.ts'

export class ApiError extends Error {
  /** The HTTP status; 0 when there was no answer. */
  readonly status: number
  readonly code: ErrorCode | null
  /** What the person can do. */
  readonly hint: string

  constructor(message: string, status = 0, code: ErrorCode | null = null, hint = hintFor(code, status)) {
    super(message)
    this.status = status
    this.code = code
    this.hint = hint
  }
}

/** Asks anything of this host: an answer that is a success, also 304; else throws a Problem, or fetch's own error. */
export async function fetchOrThrow(path: string, request: RequestInit): Promise<Response> {
  // Whoever sends people elsewhere is a proxy that wants them to sign in; the page cannot follow there.
  const response = await fetch(path, { ...request, cache: 'no-store', redirect: 'manual' })
  if (response.status === 304 || (response.ok && !hasContentType(response, 'html'))) return response
  throw await errorFromResponse(response)
}

/** From an answer that is no success, or no answer of ours; reads its body. */
export async function errorFromResponse(response: Response): Promise<ApiError> {
  const { status } = response
  const text = (await response.text().catch(() => '')).trim()
  const body = hasContentType(response, 'json') ? parseJson<ErrorBody>(text) : null
  if (body?.code !== undefined) {
    const message = body.tag === 'AppError' ? body.error_message : body.name_field.join(' ')
    return new ApiError(message, status, body.code)
  }
  if (status < 400 || status === 401) {
    return new ApiError(
      'Your sign-in has ended.',
      0,
      null,
      'Sign in again in another tab; what you typed here stays.',
    )
  }
  // A refused config_check is plain text (contract §4).
  if (status === 400 && text !== '') return new ApiError(text, status, 'config_refused')
  const message = `The server answered ${status} ${response.statusText}`.trim()
  return new ApiError(`${message}.`, status)
}

/** What somebody at the page can do; domain/errors.ts has the words for those who write programs. */
const hints: Partial<Record<ErrorCode, string>> = {
  name_taken: 'Choose another name, or update the deployment that has it.',
  config_refused: 'Change the config as the message asks.',
  not_signed_in: 'Sign in with the credential of this installation.',
  not_allowed: 'Sign in as an admin, or ask one to do it.',
  changed_meanwhile: 'Look at what has changed, then save again.',
  busy: 'Wait for the running action to end, or cancel it.',
  script_failed: 'Tell your DevOps engineer: a control script has failed.',
  runners_away: 'Tell your DevOps engineer: no runner answers.',
}

const retryHint = 'Try again in a moment; if it stays so, tell your DevOps engineer.'

function hintFor(code: ErrorCode | null, status: number): string {
  return (code && hints[code]) ?? (status < 500 ? 'Look at what it says, then try again.' : retryHint)
}

/** From whatever was thrown: fetch's own errors are about the network. */
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

/** The answer is no: whatever was asked for has not been done. */
export const isClientError = ({ status }: ApiError): boolean => status >= 400 && status < 500

const hasContentType = ({ headers }: Response, type: string) => headers.get('content-type')?.includes(type)
