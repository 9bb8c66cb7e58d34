/** The cookie with the id of a session. Its name depends on the address, so that two installations on one host have two cookies. */
import { hash } from 'node:crypto'
import { generateCookie } from 'hono/cookie'
import { ApiError } from '../../../domain/errors.ts'
import type { ServerSettings } from '../../../domain/settings.ts'
import { isLoopbackUrl } from '../../../lib/loopback-host.ts'
import type { RawRequest, SenderReader } from '../../access/sender.ts'
import { isSessionId } from './session-secrets.ts'

export type SessionCookies = {
  /** Null without the cookie. Throws session_ended for two cookies of the name, or another text than an id. */
  read(request: RawRequest): string | null
  /** The value of Set-Cookie. Throws insecure_transport over HTTP, except on this machine. */
  write(request: RawRequest, sessionId: string, maxAgeMs: number): string
  /** The value of Set-Cookie that removes the cookie. */
  clear(request: RawRequest): string
  /** The address of the page for this request, without a path. */
  originOf(request: RawRequest): string
  /** The prefix of all our cookies for this request. */
  prefixOf(request: RawRequest): string
}

export function createSessionCookies(
  { APP_URL }: Pick<ServerSettings, 'APP_URL'>,
  sender: SenderReader,
): SessionCookies {
  const appOrigins = APP_URL.flatMap((url) => URL.parse(url)?.origin ?? [])
  const namePart = APP_URL[0] === undefined ? null : shortHash(APP_URL[0])
  /** The address of APP_URL that has this host, else the first one. */
  const originOf = (request: RawRequest) => {
    const [first, ...others] = appOrigins
    if (first !== undefined && others.length === 0) return first
    const host = sender.host(request) ?? ''
    const asked = `${sender.isHttps(request) ? 'https' : 'http'}://${host}`
    const known = appOrigins.find((origin) => URL.parse(origin)?.host === URL.parse(asked)?.host)
    return known ?? first ?? URL.parse(asked)?.origin ?? asked
  }
  const prefixOf = (request: RawRequest) => {
    const origin = originOf(request)
    return `${origin.startsWith('https:') ? '__Host-' : ''}octopod-${namePart ?? shortHash(origin)}`
  }
  return {
    originOf,
    prefixOf,
    read(request) {
      const values = readCookies(request, prefixOf(request))
      if (values.length === 0) return null
      const [value = ''] = values
      if (values.length > 1 || !isSessionId(value))
        throw new ApiError('session_ended', 'The session cookie cannot be read. Sign in again.')
      return value
    },
    write(request, sessionId, maxAgeMs) {
      requireSecureTransport(originOf(request))
      return cookieFor(originOf(request), prefixOf(request), sessionId, maxAgeMs)
    },
    clear: (request) => cookieFor(originOf(request), prefixOf(request), '', 0),
  }
}

/** Browsers keep no cookie longer. */
const maxCookieAgeSeconds = 400 * 86_400

/** The value of Set-Cookie, for a cookie that no script can read. An age of 0 removes the cookie. */
export const cookieFor = (origin: string, name: string, value: string, maxAgeMs: number): string =>
  generateCookie(name, value, {
    path: '/',
    httpOnly: true,
    sameSite: 'Lax',
    secure: origin.startsWith('https:'),
    maxAge: Math.min(Math.floor(maxAgeMs / 1000), maxCookieAgeSeconds),
  })

/** A cookie over HTTP could be read on its way. */
export function requireSecureTransport(origin: string): void {
  if (origin.startsWith('https:') || isLoopbackUrl(origin)) return
  throw new ApiError(
    'insecure_transport',
    `Signing in needs https, and ${origin} is not. Set APP_URL to an address with https, or let a proxy of TRUSTED_PROXIES send X-Forwarded-Proto.`,
  )
}

/** All values of the cookie, in the order of the header. */
export function readCookies(request: RawRequest, name: string): string[] {
  return (request.headers.get('cookie') ?? '').split(';').flatMap((pair) => {
    const at = pair.indexOf('=')
    return at > 0 && pair.slice(0, at).trim() === name ? [pair.slice(at + 1).trim()] : []
  })
}

export const shortHash = (text: string) => hash('sha256', text).slice(0, 8)
