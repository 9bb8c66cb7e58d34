/**
 * Creates undici's agent for a connection: direct or through the proxy of the environment, with the trusted
 * certificates. Also the headers of every request and the reading of a response. Called by client.ts,
 * live-connection.ts and stream-output.ts.
 */
import { readFileSync } from 'node:fs'
import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici'
import { headers } from '../../domain/endpoints.ts'
import { CliError } from '../errors/cli-error.ts'
import type { Connection, HttpResponse } from './types.ts'

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

/** Reads a response to its end. Throws the network errors of undici. */
export async function readResponse(response: Dispatcher.ResponseData): Promise<HttpResponse> {
  const header = (name: string) => String(response.headers[name.toLowerCase()] ?? '')
  return {
    status: response.statusCode,
    type: header('content-type'),
    location: header('location'),
    requestId: header(headers.requestId),
    actionId: Number(header(headers.actionId)) || null,
    // A date is ignored: few servers send one.
    retryAfterMs: Number(header('retry-after')) * 1000 || 0,
    tokenExpires: header(headers.tokenExpires),
    text: await response.body.text(),
  }
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
