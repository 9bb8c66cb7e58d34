/**
 * Words for requests that got no answer: what the network, TLS, a proxy or a time limit made of them. Called by
 * client.ts and stream-output.ts.
 */
import type { Connection } from '../api/connection.ts'
import { proxyHostFor } from '../api/proxies.ts'
import { CliError } from './cli-error.ts'

export const checkUrlRemedy = ({ urlSource }: Connection) => `Check ${urlSource}.`

type CauseText = [what: string, remedy: (urlSource: string) => string]

const connectTimeout: CauseText = [
  'no connection came about in time.',
  (urlSource) => `Check the network (a VPN?) and ${urlSource}.`,
]
const connectionReset: CauseText = [
  'the connection was cut before the answer.',
  () => 'Try again; the server may be starting anew.',
]
const notTls: CauseText = [
  'it does not speak TLS.',
  (urlSource) => `Try http:// instead of https:// in ${urlSource}.`,
]

/** System and library codes → what happened, and what to do. */
const causes: Record<string, CauseText> = {
  ECONNREFUSED: [
    'nothing listens there (connection refused).',
    (urlSource) => `Check ${urlSource}, and that the server is up.`,
  ],
  ENOTFOUND: ['there is no host of this name.', (urlSource) => `Check ${urlSource}.`],
  EAI_AGAIN: ['the host name could not be looked up.', (urlSource) => `Check the network and ${urlSource}.`],
  EHOSTUNREACH: [
    'there is no way to this host.',
    (urlSource) => `Check the network (a VPN?) and ${urlSource}.`,
  ],
  ENETUNREACH: [
    'there is no way to this network.',
    (urlSource) => `Check the network (a VPN?) and ${urlSource}.`,
  ],
  ETIMEDOUT: connectTimeout,
  UND_ERR_CONNECT_TIMEOUT: connectTimeout,
  UND_ERR_HEADERS_TIMEOUT: ['it did not answer in time.', () => 'Try again; look at the log of the server.'],
  UND_ERR_BODY_TIMEOUT: ['its answer stopped halfway.', () => 'Try again; look at the log of the server.'],
  UND_ERR_SOCKET: connectionReset,
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: connectionReset,
  ECONNRESET: connectionReset,
  EPIPE: connectionReset,
  EPROTO: notTls,
  ERR_SSL_WRONG_VERSION_NUMBER: notTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: notTls,
  CERT_HAS_EXPIRED: ['its certificate has expired.', () => 'Ask whoever runs the installation to renew it.'],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    'its certificate is for another name.',
    (urlSource) => `Check ${urlSource}.`,
  ],
  // What undici says when a proxy refuses CONNECT.
  UND_ERR_ABORTED: ['the proxy refused to connect.', () => 'Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY.'],
}
const unknownIssuer = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
])
/** Faults that pass: the server starts anew, or a connection broke. */
const transientCodes = new Set(['ECONNREFUSED', 'UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'])

/** No answer came. `wrote`: the request may have been carried out all the same. */
export function networkError(connection: Connection, error: unknown, isWrite: boolean): CliError {
  const code = errorCode(error)
  const [description, remedy] = causeText(code)
  const mayHaveBeenSent =
    !/PROTO|CONNECT|REFUSED|NOTFOUND|AGAIN|UNREACH|ETIMEDOUT|CERT|SSL|ABORTED/.test(code) &&
    !unknownIssuer.has(code)
  const doubtNotice =
    isWrite && mayHaveBeenSent
      ? ' Whether the request was carried out is not known: look with octo info first.'
      : ''
  const proxy = proxyHostFor(connection.proxies, connection.origin)
  const viaProxy = proxy === null ? '' : ` (through the proxy ${proxy}, unless NO_PROXY says otherwise)`
  const message = `cannot reach ${serverAddress(connection)}${viaProxy}: ${description}`
  const failure = new CliError('unreachable', message, remedy(connection.urlSource) + doubtNotice, error)
  failure.transient = transientCodes.has(code)
  return failure
}

function causeText(code: string): CauseText {
  if (unknownIssuer.has(code)) {
    const remedy = () => 'Name the file with its issuer in OCTOPOD_CA_FILE.'
    return ['its certificate is signed by an issuer this machine does not know.', remedy]
  }
  // The parser met something that is not HTTP.
  if (code.startsWith('HPE_') || code === 'HTTPParserError') {
    return ['what answers there does not speak HTTP.', (urlSource) => `Check ${urlSource}.`]
  }
  const unknown: CauseText = [
    `the request failed (${code}).`,
    (urlSource) => `Check ${urlSource}, and that the server is up.`,
  ]
  return causes[code] ?? unknown
}

function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const { code } = error as { code?: unknown }
  if (typeof code === 'string') return code
  // One error an address: localhost is often two.
  if (error instanceof AggregateError && error.errors.length > 0) return errorCode(error.errors[0])
  return error.cause === undefined ? error.name : errorCode(error.cause)
}

/** How messages name the server. */
export const serverAddress = (connection: Connection) => connection.origin + connection.prefix
