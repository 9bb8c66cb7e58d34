/**
 * Words for answers that are no success: refusals of Octopod, and what proxies and other programs say in its place.
 * Called by client.ts and follow.ts; no message holds a credential.
 */
import { type ErrorCode, errorCodes } from '../domain/errors.ts'
import type { Connection } from './connection.ts'
import { Failure, type FailureKind } from './failure.ts'
import { checkUrl, place } from './fault.ts'

export type Answer = {
  status: number
  type: string
  location: string
  requestId: string
  text: string
  /** In milliseconds, as Retry-After asks; 0 where it does not. */
  retryAfterMs: number
}

/** An answer with a status that is no success. */
export function refusal(connection: Connection, answer: Answer): Failure {
  if (answer.status >= 300 && answer.status < 400) return redirected(connection, answer)
  const body = readBody(answer)
  const code = body?.code ?? codeOfStatus[answer.status] ?? null
  // Something before Octopod (a proxy, another program) has no words for us.
  if (body === null && !(answer.status in fromProxies)) return notOctopod(connection, answer)
  const message =
    body?.message ?? `${place(connection)} answered ${answer.status} ${fromProxies[answer.status]}.`
  const failure = new Failure(
    kindOf(answer.status),
    message,
    remedyOf(connection, answer, code, body === null),
  )
  failure.status = answer.status
  failure.code = body?.code ?? null
  failure.retryAfterMs = answer.retryAfterMs
  failure.transient = passes(answer.status, body?.code ?? null)
  return failure
}

/** A server that stops, stores that are away, a proxy without a server behind it: worth another try. */
function passes(status: number, code: ErrorCode | null): boolean {
  if (code !== null) return code === 'shutting_down' || code === 'stores_away'
  return [429, 502, 503, 504].includes(status)
}

/** What proxies and load balancers answer by themselves. */
const fromProxies: Record<number, string> = {
  401: '(credential missing or wrong)',
  403: '(not allowed)',
  413: '(too large)',
  429: '(too many requests)',
  500: '(internal error)',
  502: '(bad gateway)',
  503: '(unavailable)',
  504: '(timed out)',
}

/** For answers without a code of ours: Octopod 1.6 and plain text. */
const codeOfStatus: Record<number, ErrorCode> = {
  400: 'config_refused',
  401: 'not_signed_in',
  403: 'not_allowed',
  404: 'no_such_deployment',
  405: 'shutting_down',
  409: 'busy',
  413: 'too_large',
  415: 'wrong_media_type',
  422: 'key_reused',
}

function kindOf(status: number): FailureKind {
  if (status === 401 || status === 403) return 'not_allowed'
  return status >= 500 ? 'broken' : 'refused'
}

function remedyOf(connection: Connection, answer: Answer, code: ErrorCode | null, byProxy: boolean): string {
  if (answer.status === 401 || code === 'not_allowed') {
    const { authorization, credentialFrom: from } = connection
    const isVariable = from === 'OCTO_AUTHORIZATION_HEADER'
    if (authorization === null && isVariable) return `${from} is not set: put the credential there.`
    if (authorization === null) return `${from} is empty: set it with octo context set.`
    if (answer.status === 401)
      return `${isVariable ? `The value of ${from}` : from.replace(/^t/, 'T')} was not accepted: check it.`
  }
  if (byProxy && answer.status >= 500)
    return 'Try again in a minute: a proxy before it, or Octopod itself, is in trouble.'
  if (byProxy || code === null) {
    const check = checkUrl(connection)
    return answer.status >= 500 ? `Try again in a minute. If it stays so: ${check}` : check
  }
  const id = answer.requestId === '' ? '' : ` Request id: ${answer.requestId}`
  return errorCodes[code].remedy + (answer.status >= 500 ? id : '')
}

/** The words of a refusal in any of the shapes of contract §4; null when there are none. */
function readBody({ text, type }: Answer): { message: string; code: ErrorCode | null } | null {
  if (/html/i.test(type) || /^\s*</.test(text)) return null
  if (type.startsWith('text/plain')) {
    return text.trim() === '' ? null : { message: text.trimEnd(), code: null }
  }
  const body = parsed(text)
  if (body === null) return null
  const code =
    typeof body.code === 'string' && Object.hasOwn(errorCodes, body.code) ? (body.code as ErrorCode) : null
  if (body.tag === 'ValidationError' && Array.isArray(body.name_field)) {
    return { message: body.name_field.map(String).join('\n'), code }
  }
  if (body.tag === 'AppError' && typeof body.error_message === 'string') {
    return { message: body.error_message, code }
  }
  return null
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    const json: unknown = JSON.parse(text)
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : null
  } catch {
    return null
  }
}

function redirected(connection: Connection, answer: Answer): Failure {
  const target = URL.parse(answer.location, connection.origin)
  // Only the place: login pages carry tickets in their query.
  const where = target === null ? 'elsewhere' : `to ${target.origin}${target.pathname}`
  const remedy =
    target?.protocol === 'https:' && connection.origin.startsWith('http:')
      ? `Write https:// in ${connection.from}.`
      : `Set ${connection.from} to an address that reaches Octopod itself, without a login page before it.`
  return new Failure('unreachable', `${place(connection)} sends us ${where}.`, remedy)
}

/** An answer that Octopod never gives. */
export function notOctopod(connection: Connection, answer: Answer): Failure {
  const what =
    /html/i.test(answer.type) || /^\s*</.test(answer.text)
      ? 'with a web page'
      : answer.text === ''
        ? 'with nothing'
        : 'with something else than JSON'
  return new Failure(
    'unreachable',
    `${place(connection)} answered ${answer.status} ${what}: this is not the API of Octopod.`,
    `Check ${connection.from}: it is the address of the installation, without /api/v1.`,
  )
}

export function wrongShape(connection: Connection, endpoint: string, wrong: string): Failure {
  return new Failure(
    'unreachable',
    `${place(connection)} answered ${endpoint} in a shape octo does not know (${wrong}).`,
    `Check ${connection.from}, and that octo and the server are of the same version.`,
  )
}
