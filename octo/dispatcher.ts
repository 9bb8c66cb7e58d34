/**
 * The way to the server: directly or through the proxy of the environment, with the certificates to trust. Called by
 * client.ts and live.ts, which bring undici along.
 */
import { readFileSync } from 'node:fs'
import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici'
import type { Connection } from './connection.ts'
import { Failure } from './failure.ts'

export type Limits = { connectMs: number; answerMs: number }

/** The server has 10 s for a script and 30 s at most for anything else. */
export const standardLimits: Limits = { connectMs: 5_000, answerMs: 35_000 }

/** `tunnel`: a proxy has to pass bytes both ways, as websockets need, also where nothing is encrypted. */
export function openDispatcher(connection: Connection, limits: Limits, tunnel = false): Dispatcher {
  const { proxies, origin } = connection
  const trust =
    connection.caFile !== null && origin.startsWith('https:') ? { ca: readCa(connection.caFile) } : {}
  const options = {
    connect: { timeout: limits.connectMs, ...trust },
    headersTimeout: limits.answerMs,
    bodyTimeout: limits.answerMs,
  }
  const proxy = origin.startsWith('https:') ? proxies.https : proxies.http
  if (proxy === null) return new Agent(options)
  return new EnvHttpProxyAgent({
    ...options,
    httpProxy: proxy,
    httpsProxy: proxy,
    noProxy: proxies.none,
    proxyTunnel: tunnel,
    requestTls: { timeout: limits.connectMs, ...trust },
    proxyTls: { timeout: limits.connectMs },
    connectTimeout: limits.connectMs,
  })
}

/** The usual issuers stay trusted: the file of a company most often holds only its own. */
function readCa(path: string): string[] {
  try {
    const text = readFileSync(path, 'utf8')
    if (!text.includes('-----BEGIN CERTIFICATE-----')) throw new Error('it holds no certificate in PEM form')
    // TLS is loaded only by whoever speaks it.
    const { getCACertificates } = process.getBuiltinModule('node:tls')
    return [...getCACertificates('default'), text]
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Failure(
      'settings',
      `The CA file cannot be used: ${why}.`,
      'Correct OCTOPOD_CA_FILE, or the context.',
    )
  }
}
