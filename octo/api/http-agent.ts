/**
 * Creates undici's agent for a connection: direct or through the proxy of the environment, with the trusted
 * certificates. Also the headers of every request and the reading of a response. Called by client.ts,
 * live-connection.ts and stream-output.ts.
 */
import { readFileSync } from 'node:fs'
import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici'
import type { ApiResponse } from '../../client/call-endpoint.ts'
import { ApiError } from '../../client/errors.ts'
import { CliError } from '../errors/cli-error.ts'
import { isTransientNetworkError } from '../errors/network.ts'
import type { Connection, HttpRequest } from './types.ts'

export type TimeLimits = { connectTimeoutMs: number; responseTimeoutMs: number }

/** Longer than SCRIPT_QUERY_TIMEOUT (10 s). Endpoints that run config_check have a longer one (configCheckWaitMs). */
export const defaultTimeLimits: TimeLimits = { connectTimeoutMs: 5_000, responseTimeoutMs: 35_000 }

/** `useTunnel`: the proxy opens a tunnel (CONNECT) even for http, which websockets need. */
export function createHttpAgent(
  connection: Connection,
  timeLimits: TimeLimits,
  useTunnel = false,
): Dispatcher {
  const { proxies, origin } = connection
  const tls =
    connection.caFile !== null && origin.startsWith('https:')
      ? { ca: readCaCertificates(connection.caFile) }
      : {}
  const options = {
    connect: { timeout: timeLimits.connectTimeoutMs, ...tls },
    headersTimeout: timeLimits.responseTimeoutMs,
    bodyTimeout: timeLimits.responseTimeoutMs,
  }
  const proxy = origin.startsWith('https:') ? proxies.https : proxies.http
  if (proxy === null) return new Agent(options)
  return new EnvHttpProxyAgent({
    ...options,
    httpProxy: proxy,
    httpsProxy: proxy,
    noProxy: proxies.noProxy,
    proxyTunnel: useTunnel,
    requestTls: { timeout: timeLimits.connectTimeoutMs, ...tls },
    proxyTls: { timeout: timeLimits.connectTimeoutMs },
    connectTimeout: timeLimits.connectTimeoutMs,
  })
}

/** The headers of every request. */
export function commonHeaders(connection: Connection, accept = 'application/json'): Record<string, string> {
  return {
    accept,
    'user-agent': 'octo',
    ...(connection.authorization === null ? {} : { authorization: connection.authorization }),
  }
}

/** Sends one request below the address of the installation. Throws ApiError without an answer. */
export async function sendRequest(
  dispatcher: Dispatcher,
  { origin, prefix }: Connection,
  { method, path, headers, body, signal, timeoutMs }: HttpRequest,
): Promise<ApiResponse> {
  const response = await dispatcher
    .request({
      origin,
      method: method as Dispatcher.HttpMethod,
      path: prefix + path,
      headers,
      body,
      headersTimeout: timeoutMs,
      ...(signal && { signal }),
    })
    .catch(throwUnreachable)
  return {
    status: response.statusCode,
    headers: { get: (name) => response.headers[name.toLowerCase()]?.toString() ?? null },
    text: () => response.body.text().catch(throwUnreachable),
    body: readPieces(response.body),
  }
}

async function* readPieces(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  try {
    yield* body
  } catch (error) {
    throwUnreachable(error)
  }
}

function throwUnreachable(cause: unknown): never {
  const retryable = isTransientNetworkError(cause)
  throw new ApiError('unreachable', 'The server cannot be reached.', { cause, retryable })
}

/** Keeps the default issuers, because the file of a company usually contains only its own. */
function readCaCertificates(path: string): string[] {
  try {
    const text = readFileSync(path, 'utf8')
    if (!text.includes('-----BEGIN CERTIFICATE-----')) throw new Error('it contains no PEM certificate')
    // Commands without TLS do not load node:tls.
    const { getCACertificates } = process.getBuiltinModule('node:tls')
    return [...getCACertificates('default'), text]
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error)
    throw new CliError(
      'settings',
      `The CA file cannot be used: ${cause}.`,
      'Correct OCTOPOD_CA_FILE, or the context.',
    )
  }
}
