/**
 * Words for answers that are no success: refusals of Octopod, and what proxies and other programs say in its place.
 * Called by client.ts and stream-output.ts; no message holds a credential.
 */
import { type ErrorCode, errorCodes } from '../../domain/errors.ts'
import type { Connection } from '../api/connection.ts'
import { CliError, type CliErrorKind } from './cli-error.ts'
import { checkUrlRemedy, serverAddress } from './network.ts'

export type HttpResponse = {
  status: number
  type: string
  location: string
  requestId: string
  text: string
  /** In milliseconds, as Retry-After asks; 0 where it does not. */
  retryAfterMs: number
}

/** An answer with a status that is no success. */
export function httpError(connection: Connection, response: HttpResponse): CliError {
  if (response.status >= 300 && response.status < 400) return redirectError(connection, response)
  const body = readBody(response)
  const code = body?.code ?? defaultCodeByStatus[response.status] ?? null
  // Something before Octopod (a proxy, another program) has no words for us.
  if (body === null && !(response.status in proxyStatusText)) return notOctopodError(connection, response)
  const message =
    body?.message ??
    `${serverAddress(connection)} answered ${response.status} ${proxyStatusText[response.status]}.`
  const failure = new CliError(
    kindByStatus(response.status),
    message,
    remedyFor(connection, response, code, body === null),
  )
  failure.status = response.status
  failure.code = body?.code ?? null
  failure.retryAfterMs = response.retryAfterMs
  failure.transient = isTransient(response.status, body?.code ?? null)
  return failure
}

/** A server that stops, stores that are away, a proxy without a server behind it: worth another try. */
function isTransient(status: number, code: ErrorCode | null): boolean {
  if (code !== null) return code === 'shutting_down' || code === 'service_unavailable'
  return [429, 502, 503, 504].includes(status)
}

/** What proxies and load balancers answer by themselves. */
const proxyStatusText: Record<number, string> = {
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
const defaultCodeByStatus: Record<number, ErrorCode> = {
  400: 'config_rejected',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'no_such_deployment',
  405: 'shutting_down',
  409: 'busy',
  413: 'too_large',
  415: 'wrong_media_type',
  422: 'idempotency_key_reused',
}

function kindByStatus(status: number): CliErrorKind {
  if (status === 401 || status === 403) return 'not_allowed'
  return status >= 500 ? 'broken' : 'refused'
}

function remedyFor(
  connection: Connection,
  response: HttpResponse,
  code: ErrorCode | null,
  isFromProxy: boolean,
): string {
  if (response.status === 401 || code === 'forbidden') {
    const { authorization, credentialSource } = connection
    const isVariable = credentialSource === 'OCTO_AUTHORIZATION_HEADER'
    if (authorization === null && isVariable)
      return `${credentialSource} is not set: put the credential there.`
    if (authorization === null) return `${credentialSource} is empty: set it with octo context set.`
    if (response.status === 401)
      return `${isVariable ? `The value of ${credentialSource}` : credentialSource.replace(/^t/, 'T')} was not accepted: check it.`
  }
  if (isFromProxy && response.status >= 500)
    return 'Try again in a minute: a proxy before it, or Octopod itself, is in trouble.'
  if (isFromProxy || code === null) {
    const check = checkUrlRemedy(connection)
    return response.status >= 500 ? `Try again in a minute. If it stays so: ${check}` : check
  }
  const id = response.requestId === '' ? '' : ` Request id: ${response.requestId}`
  return errorCodes[code].remedy + (response.status >= 500 ? id : '')
}

/** The words of a refusal in any of the shapes of contract §4; null when there are none. */
function readBody({ text, type }: HttpResponse): { message: string; code: ErrorCode | null } | null {
  if (/html/i.test(type) || /^\s*</.test(text)) return null
  if (type.startsWith('text/plain')) {
    return text.trim() === '' ? null : { message: text.trimEnd(), code: null }
  }
  const body = parseObject(text)
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

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const json: unknown = JSON.parse(text)
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : null
  } catch {
    return null
  }
}

function redirectError(connection: Connection, response: HttpResponse): CliError {
  const target = URL.parse(response.location, connection.origin)
  // Only the place: login pages carry tickets in their query.
  const targetText = target === null ? 'elsewhere' : `to ${target.origin}${target.pathname}`
  const remedy =
    target?.protocol === 'https:' && connection.origin.startsWith('http:')
      ? `Write https:// in ${connection.urlSource}.`
      : `Set ${connection.urlSource} to an address that reaches Octopod itself, without a login page before it.`
  return new CliError('unreachable', `${serverAddress(connection)} sends us ${targetText}.`, remedy)
}

/** An answer that Octopod never gives. */
export function notOctopodError(connection: Connection, response: HttpResponse): CliError {
  const bodyDescription =
    /html/i.test(response.type) || /^\s*</.test(response.text)
      ? 'with a web page'
      : response.text === ''
        ? 'with nothing'
        : 'with something else than JSON'
  return new CliError(
    'unreachable',
    `${serverAddress(connection)} answered ${response.status} ${bodyDescription}: this is not the API of Octopod.`,
    `Check ${connection.urlSource}: it is the address of the installation, without /api/v1.`,
  )
}

export function invalidResponseError(connection: Connection, endpoint: string, mismatch: string): CliError {
  return new CliError(
    'unreachable',
    `${serverAddress(connection)} answered ${endpoint} in a shape octo does not know (${mismatch}).`,
    `Check ${connection.urlSource}, and that octo and the server are of the same version.`,
  )
}
