/**
 * The proxies of the environment, read as curl reads them: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, in small
 * letters too. Called by connection.ts; http-agent.ts goes by them.
 */
import { CliError } from '../errors/cli-error.ts'

export type Proxies = { http: string | null; https: string | null; noProxy: string }

export function readProxies(environment: NodeJS.ProcessEnv): Proxies {
  const fallback = readProxyUrl(environment, 'ALL_PROXY')
  return {
    http: readProxyUrl(environment, 'HTTP_PROXY') ?? fallback,
    https: readProxyUrl(environment, 'HTTPS_PROXY') ?? fallback,
    noProxy: environment.no_proxy ?? environment.NO_PROXY ?? '',
  }
}

/** Host and port of the proxy, without its password; null where there is none for this scheme. Whether NO_PROXY takes
 * the address out is not looked at: it is for words only. */
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
