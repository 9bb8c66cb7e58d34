/**
 * Words for requests that got no answer: what the network, TLS or a time limit made of them. Called by client.ts.
 */
import type { Connection } from './connection.ts'
import { Failure } from './failure.ts'

export const checkUrl = 'Check OCTOPOD_URL.'
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

/** How messages name the server. */
export const place = (connection: Connection) => connection.origin + connection.prefix
