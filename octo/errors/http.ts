/**
 * Error messages for responses that are no success: errors of Octopod, and responses of proxies and other programs.
 * No message contains a credential. Called by client.ts and stream-output.ts.
 */
import { type Answer, ApiError, isWebPage } from '../../client/errors.ts'
import { parseJson } from '../../client/parse-json.ts'
import { apiVersion, headers } from '../../domain/endpoints.ts'
import { type ErrorCode, errorCodes } from '../../domain/errors.ts'
import type { Connection } from '../api/types.ts'
import { CliError, type CliErrorKind } from './cli-error.ts'
import { describeNetworkError, isTransientNetworkError, mayHaveBeenSent } from './network.ts'
import { transitionAdvice } from './transition-advice.ts'

/** The error of octo for any error of a request. `isWrite`: the server may have carried it out. */
export function toCliError(connection: Connection, error: unknown, isWrite: boolean): CliError {
  if (error instanceof CliError) return error
  if (!(error instanceof ApiError)) throw error
  // Such as that of a credential that could not be read.
  if (error.cause instanceof CliError) return error.cause
  if (error.answer !== null) return answerError(connection, error, error.answer)
  // A stream that went silent.
  const silence = error.kind === 'timed_out' ? { code: 'UND_ERR_BODY_TIMEOUT' } : {}
  return networkError(connection, error.cause ?? Object.assign(new Error(error.message), silence), isWrite)
}

/** The error for a request without a response. */
export function networkError(connection: Connection, error: unknown, isWrite: boolean): CliError {
  const [description, remedy] = describeNetworkError(error)
  const doubt =
    isWrite && mayHaveBeenSent(error)
      ? ' It is unknown whether the request was carried out: check with octo info first.'
      : ''
  const { proxyHost, serverAddress, urlSource } = connection
  const viaProxy =
    proxyHost === null ? '' : ` (through the proxy ${proxyHost}, unless NO_PROXY excludes the host)`
  const message = `cannot reach ${serverAddress}${viaProxy}: ${description}`
  const failure = new CliError('unreachable', message, remedy(urlSource) + doubt, error)
  failure.transient = isTransientNetworkError(error)
  return failure
}

/** For a response with any other status than success, or of another program. */
function answerError(connection: Connection, error: ApiError, answer: Answer): CliError {
  const { status } = answer
  if (status >= 300 && status < 400) return redirectError(connection, answer)
  const isForeign = error.kind === 'foreign'
  const proxyText = proxyStatusText[status]
  // A response without a message comes from a proxy or another program.
  if (isForeign && proxyText === undefined) return notOctopodError(connection, answer)
  const failure = new CliError(
    kindByStatus(status),
    isForeign ? `${connection.serverAddress} answered ${status} ${proxyText}.` : error.message,
    isForeign ? foreignRemedy(connection, answer) : (error.hint ?? remedyFor(connection, error, answer)),
  )
  failure.status = status
  failure.code = error.code
  failure.retryAfterMs = error.retryAfterMs
  failure.transient = error.retryable
  return failure
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

function remedyFor(connection: Connection, error: ApiError, { status }: Answer): string {
  const code = error.code ?? defaultCodeByStatus[status] ?? null
  // A 403 of Octopod 2 knows the caller; that of 1.6 may miss a credential.
  const lacksCredential = status === 401 || (code === 'forbidden' && error.code !== 'forbidden')
  const remedy = lacksCredential ? credentialRemedy(connection, status) : null
  if (remedy !== null) return remedy
  if (code === null || !Object.hasOwn(errorCodes, code)) {
    const check = `Check ${connection.urlSource}.`
    return status >= 500 ? `Try again in a minute. If that does not help: ${check}` : check
  }
  const advice = code === 'invalid_transition' ? transitionAdvice(error.message) : null
  if (advice !== null) return advice
  const id = error.requestId === '' ? '' : ` Request id: ${error.requestId}`
  return errorCodes[code].remedy + (status >= 500 ? id : '')
}

/** Null when the credential is not the reason. */
function credentialRemedy(connection: Connection, status: number): string | null {
  const { authorization, credentialSource, missingIdToken, isLogin } = connection
  const isVariable = credentialSource === 'OCTO_AUTHORIZATION_HEADER'
  const source = credentialSource.replace(/^t/, 'T')
  if (authorization === null) {
    if (missingIdToken !== null) return missingIdToken
    return isVariable
      ? `${credentialSource} is not set: put the credential there, or sign in with octo login.`
      : `${source} is not set: sign in with octo login, or save one with octo context set.`
  }
  if (status !== 401) return null
  if (isLogin) return 'Sign in again: octo login'
  return `${isVariable ? `The value of ${credentialSource}` : source} was not accepted: check it.`
}

function foreignRemedy(connection: Connection, { status }: Answer): string {
  if (status >= 500) return 'Try again in a minute: Octopod or a proxy in front of it has a problem.'
  const remedy = status === 401 || status === 403 ? credentialRemedy(connection, status) : null
  return remedy ?? `Check ${connection.urlSource}.`
}

function redirectError(connection: Connection, response: Answer): CliError {
  const target = URL.parse(response.location, connection.origin)
  // Without the query: login pages put tickets into it.
  const targetText = target === null ? 'elsewhere' : `to ${target.origin}${target.pathname}`
  const remedy =
    target?.protocol === 'https:' && connection.origin.startsWith('http:')
      ? `Write https:// in ${connection.urlSource}.`
      : `Set ${connection.urlSource} to an address that reaches Octopod itself, without a login page in front of it.`
  return new CliError('unreachable', `${connection.serverAddress} redirects ${targetText}.`, remedy)
}

/** The error for a response that no Octopod sends, or one that octo does not understand. */
function notOctopodError(connection: Connection, answer: Answer): CliError {
  const { status, text } = answer
  const answered = `${connection.serverAddress} answered ${status}`
  const isJson = text.trim() === 'null' || parseJson(text) !== null
  const kind = isWebPage(answer)
    ? 'with a web page'
    : text === ''
      ? 'without content'
      : isJson
        ? null
        : 'without JSON'
  const error =
    kind === null && status < 300
      ? new CliError(
          'unreachable',
          `${answered} without saying that it is Octopod ${apiVersion.split('.')[0]}.`,
          `Check ${connection.urlSource}, and that octo and the server have the same version. A proxy must pass the header ${headers.version}.`,
        )
      : new CliError(
          'unreachable',
          `${answered} ${kind ?? 'without JSON of Octopod'}: this is not the API of Octopod.`,
          `Check ${connection.urlSource}: it is the address of the installation, without /api/v1.`,
        )
  error.status = status
  return error
}

export function invalidResponseError(connection: Connection, endpoint: string, mismatch: string): CliError {
  return new CliError(
    'unreachable',
    `${connection.serverAddress} answered ${endpoint} in a form that octo does not know (${mismatch}).`,
    `Check ${connection.urlSource}, and that octo and the server have the same version.`,
  )
}
