/**
 * Words for requests that got no answer: what the network, TLS, a proxy or a time limit made of them. Called by
 * client.ts and follow.ts.
 */
import type { Connection } from './connection.ts'
import { Failure } from './failure.ts'
import { shownProxy } from './proxies.ts'

export const checkUrl = ({ from }: Connection) => `Check ${from}.`

type Cause = [what: string, remedy: (from: string) => string]

const noConnection: Cause = [
  'no connection came about in time.',
  (from) => `Check the network (a VPN?) and ${from}.`,
]
const cut: Cause = [
  'the connection was cut before the answer.',
  () => 'Try again; the server may be starting anew.',
]
const noTls: Cause = ['it does not speak TLS.', (from) => `Try http:// instead of https:// in ${from}.`]

/** System and library codes → what happened, and what to do. */
const causes: Record<string, Cause> = {
  ECONNREFUSED: [
    'nothing listens there (connection refused).',
    (from) => `Check ${from}, and that the server is up.`,
  ],
  ENOTFOUND: ['there is no host of this name.', (from) => `Check ${from}.`],
  EAI_AGAIN: ['the host name could not be looked up.', (from) => `Check the network and ${from}.`],
  EHOSTUNREACH: ['there is no way to this host.', (from) => `Check the network (a VPN?) and ${from}.`],
  ENETUNREACH: ['there is no way to this network.', (from) => `Check the network (a VPN?) and ${from}.`],
  ETIMEDOUT: noConnection,
  UND_ERR_CONNECT_TIMEOUT: noConnection,
  UND_ERR_HEADERS_TIMEOUT: ['it did not answer in time.', () => 'Try again; look at the log of the server.'],
  UND_ERR_BODY_TIMEOUT: ['its answer stopped halfway.', () => 'Try again; look at the log of the server.'],
  UND_ERR_SOCKET: cut,
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: cut,
  ECONNRESET: cut,
  EPIPE: cut,
  EPROTO: noTls,
  ERR_SSL_WRONG_VERSION_NUMBER: noTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: noTls,
  CERT_HAS_EXPIRED: ['its certificate has expired.', () => 'Ask whoever runs the installation to renew it.'],
  ERR_TLS_CERT_ALTNAME_INVALID: ['its certificate is for another name.', (from) => `Check ${from}.`],
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
const passing = new Set(['ECONNREFUSED', 'UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'])

/** No answer came. `wrote`: the request may have been carried out all the same. */
export function unreachable(connection: Connection, error: unknown, wrote: boolean): Failure {
  const code = codeOf(error)
  const [what, remedy] = causeOf(code)
  const sent =
    !/PROTO|CONNECT|REFUSED|NOTFOUND|AGAIN|UNREACH|ETIMEDOUT|CERT|SSL|ABORTED/.test(code) &&
    !unknownIssuer.has(code)
  const doubt =
    wrote && sent ? ' Whether the request was carried out is not known: look with octo info first.' : ''
  const proxy = shownProxy(connection.proxies, connection.origin)
  const through = proxy === null ? '' : ` (through the proxy ${proxy}, unless NO_PROXY says otherwise)`
  const message = `cannot reach ${place(connection)}${through}: ${what}`
  const failure = new Failure('unreachable', message, remedy(connection.from) + doubt, error)
  failure.transient = passing.has(code)
  return failure
}

function causeOf(code: string): Cause {
  if (unknownIssuer.has(code)) {
    const remedy = () => 'Name the file with its issuer in OCTOPOD_CA_FILE.'
    return ['its certificate is signed by an issuer this machine does not know.', remedy]
  }
  // The parser met something that is not HTTP.
  if (code.startsWith('HPE_') || code === 'HTTPParserError') {
    return ['what answers there does not speak HTTP.', (from) => `Check ${from}.`]
  }
  const unknown: Cause = [
    `the request failed (${code}).`,
    (from) => `Check ${from}, and that the server is up.`,
  ]
  return causes[code] ?? unknown
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const { code } = error as { code?: unknown }
  if (typeof code === 'string') return code
  // One error an address: localhost is often two.
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  return error.cause === undefined ? error.name : codeOf(error.cause)
}

/** How messages name the server. */
export const place = (connection: Connection) => connection.origin + connection.prefix
