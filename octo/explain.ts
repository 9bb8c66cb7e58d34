/**
 * Words for everything that can come instead of an answer: no connection, a refusal of Octopod, the answer of
 * something that is not Octopod. Called by client.ts; no message holds a credential.
 */
import { type ErrorCode, errorCodes } from '../domain/errors.ts'
import type { Connection } from './connection.ts'
import { Failure, type FailureKind } from './failure.ts'

type Answer = { status: number; type: string; location: string; requestId: string; text: string }

const checkUrl = 'Check OCTOPOD_URL.'
const checkServer = 'Check OCTOPOD_URL, and that the server is up.'

/** System and library codes → what happened, and what to do. */
const causes: Record<string, [what: string, remedy: string]> = {
  ECONNREFUSED: ['nothing listens there (connection refused).', checkServer],
  ENOTFOUND: ['there is no host of this name.', checkUrl],
  EAI_AGAIN: ['the host name could not be looked up.', 'Check the network and OCTOPOD_URL.'],
  EHOSTUNREACH: ['there is no way to this host.', 'Check the network (a VPN?) and OCTOPOD_URL.'],
  ENETUNREACH: ['there is no way to this network.', 'Check the network (a VPN?) and OCTOPOD_URL.'],
  ETIMEDOUT: ['no connection came about in time.', 'Check the network (a VPN?) and OCTOPOD_URL.'],
  UND_ERR_CONNECT_TIMEOUT: [
    'no connection came about in time.',
    'Check the network (a VPN?) and OCTOPOD_URL.',
  ],
  UND_ERR_HEADERS_TIMEOUT: ['it did not answer in time.', 'Try again; look at the log of the server.'],
  UND_ERR_BODY_TIMEOUT: ['its answer stopped halfway.', 'Try again; look at the log of the server.'],
  UND_ERR_SOCKET: [
    'the connection was cut before the answer.',
    'Try again; the server may be starting anew.',
  ],
  ECONNRESET: ['the connection was cut before the answer.', 'Try again; the server may be starting anew.'],
  EPIPE: ['the connection was cut before the answer.', 'Try again; the server may be starting anew.'],
  ERR_SSL_WRONG_VERSION_NUMBER: ['it does not speak TLS.', 'Try http:// instead of https:// in OCTOPOD_URL.'],
  ERR_SSL_PACKET_LENGTH_TOO_LONG: [
    'it does not speak TLS.',
    'Try http:// instead of https:// in OCTOPOD_URL.',
  ],
  CERT_HAS_EXPIRED: ['its certificate has expired.', 'Ask whoever runs the installation to renew it.'],
  ERR_TLS_CERT_ALTNAME_INVALID: ['its certificate is for another name.', checkUrl],
}
const unknownIssuer = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
])

/** No answer came. `wrote`: the request may have been carried out all the same. */
export function unreachable(connection: Connection, error: unknown, wrote: boolean): Failure {
  const code = codeOf(error)
  const [what, remedy] = causeOf(code)
  const sent =
    !/CONNECT|REFUSED|NOTFOUND|AGAIN|UNREACH|ETIMEDOUT|CERT|SSL/.test(code) && !unknownIssuer.has(code)
  const doubt =
    wrote && sent ? ' Whether the request was carried out is not known: look with octo info first.' : ''
  return new Failure('unreachable', `cannot reach ${place(connection)}: ${what}`, remedy + doubt, error)
}

function causeOf(code: string): [string, string] {
  if (unknownIssuer.has(code)) {
    const remedy = 'Name the file with its issuer in NODE_EXTRA_CA_CERTS.'
    return ['its certificate is signed by an issuer this machine does not know.', remedy]
  }
  // The parser met something that is not HTTP.
  if (code.startsWith('HPE_') || code === 'HTTPParserError')
    return ['what answers there does not speak HTTP.', checkUrl]
  return causes[code] ?? [`the request failed (${code}).`, checkServer]
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const { code } = error as { code?: unknown }
  if (typeof code === 'string') return code
  // One error an address: localhost is often two.
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  return error.cause === undefined ? error.name : codeOf(error.cause)
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
  return new Failure(kindOf(answer.status), message, remedyOf(connection, answer, code, body === null))
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
    if (connection.authorization === null)
      return 'OCTO_AUTHORIZATION_HEADER is not set: put the credential there.'
    if (answer.status === 401) return 'The value of OCTO_AUTHORIZATION_HEADER was not accepted: check it.'
  }
  if (byProxy || code === null) {
    const who =
      byProxy && answer.status >= 500 ? 'a proxy before it, or Octopod itself, is in trouble' : checkUrl
    return answer.status >= 500 ? `Try again in a minute: ${who}.` : who
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
  const code = typeof body.code === 'string' && body.code in errorCodes ? (body.code as ErrorCode) : null
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
      ? 'Write https:// in OCTOPOD_URL.'
      : 'Set OCTOPOD_URL to an address that reaches Octopod itself, without a login page before it.'
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
    'Check OCTOPOD_URL: it is the address of the installation, without /api/v1.',
  )
}

export function wrongShape(
  connection: Connection,
  endpoint: string,
  issue: { path: PropertyKey[]; message: string } | undefined,
): Failure {
  const at = issue === undefined ? '' : ` (${issue.path.map(String).join('.') || 'answer'}: ${issue.message})`
  return new Failure(
    'unreachable',
    `${place(connection)} answered ${endpoint} in a shape octo does not know${at}.`,
    'Check OCTOPOD_URL, and that octo and the server are of the same version.',
  )
}

const place = (connection: Connection) => connection.origin + connection.prefix
