/** What went wrong, in words a person can act on: from a refused answer, a lost network, a server that stays silent. */
import type { ErrorBody, ErrorCode } from '../domain/errors.ts'
import { parseJson } from './json.ts'

export class Problem extends Error {
  /** The HTTP status; 0 when there was no answer. */
  readonly status: number
  readonly code: ErrorCode | null
  /** What the person can do. */
  readonly remedy: string

  constructor(message: string, status = 0, code: ErrorCode | null = null, remedy = remedyOf(code, status)) {
    super(message)
    this.status = status
    this.code = code
    this.remedy = remedy
  }
}

/** Asks anything of this host: an answer that is a success, also 304; else throws a Problem, or fetch's own error. */
export async function answered(path: string, request: RequestInit): Promise<Response> {
  // Whoever sends people elsewhere is a proxy that wants them to sign in; the page cannot follow there.
  const response = await fetch(path, { ...request, cache: 'no-store', redirect: 'manual' })
  if (response.status === 304 || (response.ok && !isOf(response, 'html'))) return response
  throw await problemOf(response)
}

/** From an answer that is no success, or no answer of ours; reads its body. */
export async function problemOf(response: Response): Promise<Problem> {
  const { status } = response
  const text = (await response.text().catch(() => '')).trim()
  const body = isOf(response, 'json') ? parseJson<ErrorBody>(text) : null
  if (body?.code !== undefined) {
    const message = body.tag === 'AppError' ? body.error_message : body.name_field.join(' ')
    return new Problem(message, status, body.code)
  }
  if (status < 400 || status === 401) {
    return new Problem(
      'Your sign-in has ended.',
      0,
      null,
      'Sign in again in another tab; what you typed here stays.',
    )
  }
  // A refused config_check is plain text (contract §4).
  if (status === 400 && text !== '') return new Problem(text, status, 'config_refused')
  const message = `The server answered ${status} ${response.statusText}`.trim()
  return new Problem(`${message}.`, status)
}

/** What somebody at the page can do; domain/errors.ts has the words for those who write programs. */
const remedies: Partial<Record<ErrorCode, string>> = {
  name_taken: 'Choose another name, or update the deployment that has it.',
  config_refused: 'Change the config as the message asks.',
  not_signed_in: 'Sign in with the credential of this installation.',
  not_allowed: 'Sign in as an admin, or ask one to do it.',
  changed_meanwhile: 'Look at what has changed, then save again.',
  busy: 'Wait for the running action to end, or cancel it.',
  script_failed: 'Tell your DevOps engineer: a control script has failed.',
  runners_away: 'Tell your DevOps engineer: no runner answers.',
}

const wait = 'Try again in a moment; if it stays so, tell your DevOps engineer.'

function remedyOf(code: ErrorCode | null, status: number): string {
  return (code && remedies[code]) ?? (status < 500 ? 'Look at what it says, then try again.' : wait)
}

/** From whatever was thrown: fetch's own errors are about the network. */
export function problemOfError(error: unknown): Problem {
  if (error instanceof Problem) return error
  const { name, message } = error as Error
  if (name === 'TimeoutError') {
    return new Problem('The server did not answer in time.', 0, null, wait)
  }
  if (name === 'TypeError') {
    return new Problem('The server cannot be reached.', 0, null, 'Check your connection, then try again.')
  }
  return new Problem(message)
}

/** The answer is no: whatever was asked for has not been done. */
export const isRefused = ({ status }: Problem): boolean => status >= 400 && status < 500

const isOf = ({ headers }: Response, type: string) => headers.get('content-type')?.includes(type)
