/**
 * The proxies of the environment, read as curl reads them: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, in small
 * letters too. Called by connection.ts; dispatcher.ts goes by them.
 */
import type { Environment } from './environment.ts'
import { Failure } from './failure.ts'

export type Proxies = { http: string | null; https: string | null; none: string }

export function readProxies(environment: Environment): Proxies {
  const all = read(environment, 'ALL_PROXY')
  return {
    http: read(environment, 'HTTP_PROXY') ?? all,
    https: read(environment, 'HTTPS_PROXY') ?? all,
    none: environment.no_proxy ?? environment.NO_PROXY ?? '',
  }
}

/** Host and port of the proxy, without its password; null where there is none for this scheme. Whether NO_PROXY takes
 * the address out is not looked at: it is for words only. */
export function shownProxy(proxies: Proxies, origin: string): string | null {
  const proxy = origin.startsWith('https:') ? proxies.https : proxies.http
  return proxy === null ? null : new URL(proxy).host
}

function read(environment: Environment, name: string): string | null {
  const given = (environment[name.toLowerCase()] ?? environment[name])?.trim() ?? ''
  if (given === '') return null
  const full = given.includes('://') ? given : `http://${given}`
  const { protocol = '' } = URL.parse(full) ?? {}
  if (['http:', 'https:', 'socks5:'].includes(protocol)) return full
  throw new Failure(
    'settings',
    `${name} is not the address of a proxy.`,
    'It looks like this: http://proxy.example.com:3128',
  )
}
