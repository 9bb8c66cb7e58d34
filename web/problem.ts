/** What went wrong, in words a person can act on: from a refused answer, a lost network, a server that stays silent. */
import type { ErrorBody, ErrorCode } from '../domain/errors.ts'

export class Problem extends Error {
  /** The HTTP status; 0 when there was no answer. */
  readonly status: number
  readonly code: ErrorCode | null
  /** What the person can do. */
  readonly remedy: string

  constructor(message: string, status: number, code: ErrorCode | null, remedy: string) {
    super(message)
    this.status = status
    this.code = code
    this.remedy = remedy
  }
}

/** From an answer that is no success; reads its body. */
export async function problemOf(response: Response): Promise<Problem> {
  const text = await response.text().catch(() => '')
  const body = isJson(response) ? parse(text) : null
  if (body?.code !== undefined) {
    const message = body.tag === 'AppError' ? body.error_message : body.name_field.join(' ')
    return new Problem(message, response.status, body.code, remedyOf(body.code, response.status))
  }
  // A refused config_check is plain text (contract §4).
  if (response.status === 400 && text.trim() !== '') {
    return new Problem(text.trim(), 400, 'config_refused', remedyOf('config_refused', 400))
  }
  const code = codeOfStatus(response.status)
  const message = `The server answered ${response.status} ${response.statusText}`.trim()
  return new Problem(`${message}.`, response.status, code, remedyOf(code, response.status))
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

function remedyOf(code: ErrorCode | null, status: number): string {
  const wait = 'Try again in a moment; if it stays so, tell your DevOps engineer.'
  return (code && remedies[code]) ?? (status < 500 ? 'Look at what it says, then try again.' : wait)
}

/** From whatever was thrown: fetch's own errors are about the network. */
export function problemOfError(error: unknown): Problem {
  if (error instanceof Problem) return error
  const name = error instanceof Error ? error.name : ''
  if (name === 'TimeoutError') {
    return new Problem('The server did not answer in time.', 0, null, 'Try again in a moment.')
  }
  if (error instanceof TypeError) {
    return new Problem('The server cannot be reached.', 0, null, 'Check your connection, then try again.')
  }
  return new Problem(error instanceof Error ? error.message : String(error), 0, null, 'Try again.')
}

export const isAbort = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError'

const isJson = (response: Response) => /json/.test(response.headers.get('content-type') ?? '')

function parse(text: string): ErrorBody | null {
  try {
    return JSON.parse(text) as ErrorBody
  } catch {
    return null
  }
}

function codeOfStatus(status: number): ErrorCode | null {
  if (status === 401) return 'not_signed_in'
  if (status === 403) return 'not_allowed'
  return null
}
