/**
 * Answers requests without a valid credential only for the hosts of this installation. Otherwise a page of a
 * stranger could reach the server through the browser of a user: it gives its own name the address of the server (DNS
 * rebinding), and the browser takes both for one site. Used as a middleware by app.ts and as a function by the websocket.
 */
import { isIP } from 'node:net'
import type { MiddlewareHandler } from 'hono'
import { ApiError } from '../../domain/errors.ts'
import type { ServerSettings } from '../../domain/settings.ts'
import { type RawRequest, rawRequestOf, type SenderReader } from './sender.ts'

type HostSettings = Pick<ServerSettings, 'APP_URL' | 'ALLOWED_HOSTS'>

export type HostRule = (request: RawRequest) => void | Promise<void>

export function allowedHosts(rule: HostRule): MiddlewareHandler {
  return (context, next) => {
    const checked = rule(rawRequestOf(context))
    return checked instanceof Promise ? checked.then(next) : next()
  }
}

/**
 * The rule throws wrong_host (421). A page of a stranger cannot know a credential, so a request with a valid Authorization
 * header passes. It can send a wrong one, which counts as none. A cookie and a proxy's person do not count: a browser adds them.
 */
export function createHostRule(
  settings: HostSettings,
  sender: SenderReader,
  hasValidHeader: (request: RawRequest) => boolean | Promise<boolean>,
): HostRule {
  const isAllowed = createHostTest(settings)
  return (request) => {
    const host = sender.host(request)
    // The header costs a hash, and nearly every request is for one of our hosts.
    if (isAllowed(host) || request.isFromGateway) return
    const isValid = hasValidHeader(request)
    if (isValid instanceof Promise) return isValid.then((valid) => requireValidHeader(valid, host))
    requireValidHeader(isValid, host)
  }
}

function requireValidHeader(isValid: boolean, host: string | undefined): void {
  if (isValid) return
  const shown = host === undefined ? 'no host' : `the host ${host.slice(0, 200)}`
  throw new ApiError(
    'wrong_host',
    `Without a valid credential, this server does not answer requests for ${shown}. If it is an address of this installation, add it to ALLOWED_HOSTS.`,
  )
}

/**
 * The hosts of APP_URL and ALLOWED_HOSTS. Without APP_URL also names of this machine and IP addresses, which no
 * stranger can give another address.
 */
function createHostTest({ APP_URL, ALLOWED_HOSTS }: HostSettings): (host: string | undefined) => boolean {
  const isListed = createListTest([
    ...APP_URL.flatMap((url) => URL.parse(url)?.hostname ?? []),
    ...ALLOWED_HOSTS,
  ])
  return (host) => isListed(host) || (APP_URL.length === 0 && isOwnName(parseHost(host)?.hostname ?? ''))
}

/** A listed host without a port stands for all ports. */
export function createListTest(hosts: readonly string[]): (host: string | undefined) => boolean {
  const listed = new Set(hosts.flatMap((host) => parseHost(host)?.host ?? []))
  return (host) => {
    if (hosts.includes('*')) return true
    const url = parseHost(host)
    return url !== null && (listed.has(url.hostname) || listed.has(url.host))
  }
}

/** Without the default ports of HTTP and HTTPS, and without a final dot, which changes nothing. */
function parseHost(host = ''): URL | null {
  const url = /[/?#@\\]/.test(host) ? null : URL.parse(`http://${host.replace(/\.?(?::443)?$/, '')}`)
  return url === null || url.hostname === '' ? null : url
}

const isOwnName = (hostname: string) =>
  hostname === 'localhost' || hostname.endsWith('.localhost') || isIP(hostname.replace(/^\[|\]$/g, '')) !== 0
