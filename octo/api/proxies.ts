/**
 * Reads the proxies of the environment as curl does: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, also in lower
 * case. Called by connection.ts.
 */
import { CliError } from '../errors/cli-error.ts'
import type { Proxies } from './types.ts'

export function readProxies(environment: NodeJS.ProcessEnv): Proxies {
  const fallback = readProxyUrl(environment, 'ALL_PROXY')
  return {
    http: readProxyUrl(environment, 'HTTP_PROXY') ?? fallback,
    https: readProxyUrl(environment, 'HTTPS_PROXY') ?? fallback,
    noProxy: environment.no_proxy ?? environment.NO_PROXY ?? '',
  }
}

/**
 * Host and port of the proxy for the origin, without its password; null without a proxy. For messages only, so it
 * ignores NO_PROXY.
 */
export function proxyHostFor(proxies: Proxies, origin: string): string | null {
  const proxy = origin.startsWith('https:') ? proxies.https : proxies.http
  return proxy === null ? null : new URL(proxy).host
}

function readProxyUrl(environment: NodeJS.ProcessEnv, name: string): string | null {
  const value = (environment[name.toLowerCase()] ?? environment[name])?.trim() ?? ''
  if (value === '') return null
  const withScheme = value.includes('://') ? value : `http://${value}`
  const { protocol = '' } = URL.parse(withScheme) ?? {}
  if (['http:', 'https:', 'socks5:'].includes(protocol)) return withScheme
  throw new CliError(
    'settings',
    `${name} is not the address of a proxy.`,
    'It looks like this: http://proxy.example.com:3128',
  )
}
