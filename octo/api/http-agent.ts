/**
 * The way to the server: directly or through the proxy of the environment, with the certificates to trust. Called by
 * client.ts and live-connection.ts, which bring undici along.
 */
import { readFileSync } from 'node:fs'
import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici'
import { CliError } from '../errors/cli-error.ts'
import type { Connection } from './connection.ts'

export type TimeLimits = { connectTimeoutMs: number; responseTimeoutMs: number }

/** The server has 10 s for a script and 30 s at most for anything else. */
export const defaultTimeLimits: TimeLimits = { connectTimeoutMs: 5_000, responseTimeoutMs: 35_000 }

/** `tunnel`: a proxy has to pass bytes both ways, as websockets need, also where nothing is encrypted. */
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

/** The usual issuers stay trusted: the file of a company most often holds only its own. */
function readCaCertificates(path: string): string[] {
  try {
    const text = readFileSync(path, 'utf8')
    if (!text.includes('-----BEGIN CERTIFICATE-----')) throw new Error('it holds no certificate in PEM form')
    // TLS is loaded only by whoever speaks it.
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
