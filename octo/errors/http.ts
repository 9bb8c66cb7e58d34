/**
 * Error messages for responses that are no success: errors of Octopod, and responses of proxies and other programs.
 * No message contains a credential. Called by client.ts and stream-output.ts.
 */
import { type ErrorCode, errorCodes } from '../../domain/errors.ts'
import type { Connection, HttpResponse } from '../api/types.ts'
import { CliError, type CliErrorKind } from './cli-error.ts'

/** The error for a response with any other status than success. */
export function httpError(connection: Connection, response: HttpResponse): CliError {
  if (response.status >= 300 && response.status < 400) return redirectError(connection, response)
  const body = readBody(response)
  const code = body?.code ?? defaultCodeByStatus[response.status] ?? null
  // A response without a message comes from a proxy or another program.
  if (body === null && !(response.status in proxyStatusText)) return notOctopodError(connection, response)
  const message =
    body?.message ??
    `${connection.serverAddress} answered ${response.status} ${proxyStatusText[response.status]}.`
  const failure = new CliError(
    kindByStatus(response.status),
    message,
    remedyFor(connection, response, code, body),
  )
  failure.status = response.status
  failure.code = body?.code ?? null
  failure.retryAfterMs = response.retryAfterMs
  failure.transient = isTransient(response.status, body?.code ?? null)
  return failure
}

/** A retry may succeed: the server shuts down or is busy with this caller, a data store is unreachable, or a proxy has no server. */
function isTransient(status: number, code: ErrorCode | null): boolean {
  if (code !== null) return ['shutting_down', 'service_unavailable', 'rate_limited'].includes(code)
  return [429, 502, 503, 504].includes(status)
}

/** Statuses that proxies and load balancers send. */
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

/** For responses without an error code: Octopod 1.6 and plain text. */
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
  body: { code: ErrorCode | null } | null,
): string {
  const isFromProxy = body === null
  // A 403 of Octopod 2 knows the caller; that of 1.6 and of proxies may miss a credential.
  if (response.status === 401 || (code === 'forbidden' && body?.code !== 'forbidden')) {
    const { authorization, credentialSource, missingIdToken } = connection
    if (authorization === null && missingIdToken !== null) return missingIdToken
    const isVariable = credentialSource === 'OCTO_AUTHORIZATION_HEADER'
    if (authorization === null && isVariable)
      return `${credentialSource} is not set: put the credential there, or sign in with octo login.`
    if (authorization === null)
      return `${credentialSource.replace(/^t/, 'T')} is not set: sign in with octo login, or save one with octo context set.`
    if (connection.isLogin && response.status === 401) return 'Sign in again: octo login'
    if (response.status === 401)
      return `${isVariable ? `The value of ${credentialSource}` : credentialSource.replace(/^t/, 'T')} was not accepted: check it.`
  }
  if (isFromProxy && response.status >= 500)
    return 'Try again in a minute: Octopod or a proxy in front of it has a problem.'
  if (isFromProxy || code === null) {
    const check = `Check ${connection.urlSource}.`
    return response.status >= 500 ? `Try again in a minute. If that does not help: ${check}` : check
  }
  const id = response.requestId === '' ? '' : ` Request id: ${response.requestId}`
  return errorCodes[code].remedy + (response.status >= 500 ? id : '')
}

/** The message of an error in each of the forms that Octopod 1.6 and 2 send; null without one. */
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
  // Without the query: login pages put tickets into it.
  const targetText = target === null ? 'elsewhere' : `to ${target.origin}${target.pathname}`
  const remedy =
    target?.protocol === 'https:' && connection.origin.startsWith('http:')
      ? `Write https:// in ${connection.urlSource}.`
      : `Set ${connection.urlSource} to an address that reaches Octopod itself, without a login page in front of it.`
  return new CliError('unreachable', `${connection.serverAddress} redirects ${targetText}.`, remedy)
}

/** The error for a response that Octopod never sends. */
export function notOctopodError(connection: Connection, response: HttpResponse): CliError {
  const bodyDescription =
    /html/i.test(response.type) || /^\s*</.test(response.text)
      ? 'with a web page'
      : response.text === ''
        ? 'without content'
        : 'without JSON'
  const error = new CliError(
    'unreachable',
    `${connection.serverAddress} answered ${response.status} ${bodyDescription}: this is not the API of Octopod.`,
    `Check ${connection.urlSource}: it is the address of the installation, without /api/v1.`,
  )
  error.status = response.status
  return error
}

export function invalidResponseError(connection: Connection, endpoint: string, mismatch: string): CliError {
  return new CliError(
    'unreachable',
    `${connection.serverAddress} answered ${endpoint} in a form that octo does not know (${mismatch}).`,
    `Check ${connection.urlSource}, and that octo and the server have the same version.`,
  )
}
