/** Why a request got no response, in words: network, TLS, proxy or time limit. Called by http.ts and http-agent.ts. */
type CauseText = [description: string, remedy: (urlSource: string) => string]

const connectTimeout: CauseText = [
  'the connection timed out.',
  (urlSource) => `Check the network (a VPN?) and ${urlSource}.`,
]
const connectionReset: CauseText = [
  'the connection broke before the response.',
  () => 'Try again; the server may be restarting.',
]
const notTls: CauseText = [
  'it does not speak TLS.',
  (urlSource) => `Try http:// instead of https:// in ${urlSource}.`,
]

/** Error codes of the system and of undici → description and remedy. */
const causes: Record<string, CauseText> = {
  ECONNREFUSED: [
    'nothing listens there (connection refused).',
    (urlSource) => `Check ${urlSource}, and that the server is up.`,
  ],
  ENOTFOUND: ['the host name does not exist.', (urlSource) => `Check ${urlSource}.`],
  EAI_AGAIN: ['the host name could not be resolved.', (urlSource) => `Check the network and ${urlSource}.`],
  EHOSTUNREACH: [
    'there is no route to this host.',
    (urlSource) => `Check the network (a VPN?) and ${urlSource}.`,
  ],
  ENETUNREACH: [
    'there is no route to this network.',
    (urlSource) => `Check the network (a VPN?) and ${urlSource}.`,
  ],
  ETIMEDOUT: connectTimeout,
  UND_ERR_CONNECT_TIMEOUT: connectTimeout,
  UND_ERR_HEADERS_TIMEOUT: ['it did not respond in time.', () => 'Try again; look at the log of the server.'],
  UND_ERR_BODY_TIMEOUT: ['its response stopped halfway.', () => 'Try again; look at the log of the server.'],
  UND_ERR_SOCKET: connectionReset,
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: connectionReset,
  ECONNRESET: connectionReset,
  EPIPE: connectionReset,
  EPROTO: notTls,
  ERR_SSL_WRONG_VERSION_NUMBER: notTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: notTls,
  CERT_HAS_EXPIRED: [
    'its certificate has expired.',
    () => 'Ask the operator of the installation to renew it.',
  ],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    'its certificate is for another name.',
    (urlSource) => `Check ${urlSource}.`,
  ],
  // undici's code when a proxy refuses CONNECT.
  UND_ERR_ABORTED: ['the proxy refused to connect.', () => 'Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY.'],
}
const unknownIssuerCodes = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
])
/** A retry may succeed: the server restarts, or the connection broke. */
const transientCodes = new Set(['ECONNREFUSED', 'UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'])

export const isTransientNetworkError = (error: unknown): boolean => transientCodes.has(errorCode(error))

/** Whether the server may have carried out the request. */
export const mayHaveBeenSent = (error: unknown): boolean => {
  const code = errorCode(error)
  return (
    !/PROTO|CONNECT|REFUSED|NOTFOUND|AGAIN|UNREACH|ETIMEDOUT|CERT|SSL|ABORTED/.test(code) &&
    !unknownIssuerCodes.has(code)
  )
}

/** What happened, and what helps. */
export const describeNetworkError = (error: unknown): CauseText => causeText(errorCode(error))

function causeText(code: string): CauseText {
  if (unknownIssuerCodes.has(code)) {
    const remedy = () => 'Set OCTOPOD_CA_FILE to a file with the certificate of its issuer.'
    return ['its certificate is signed by an issuer that this machine does not know.', remedy]
  }
  // The parser received something that is not HTTP.
  if (code.startsWith('HPE_') || code === 'HTTPParserError') {
    return ['the program there does not speak HTTP.', (urlSource) => `Check ${urlSource}.`]
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
  // One error for each address of the host: localhost often has two.
  if (error instanceof AggregateError && error.errors.length > 0) return errorCode(error.errors[0])
  return error.cause === undefined ? error.name : errorCode(error.cause)
}
