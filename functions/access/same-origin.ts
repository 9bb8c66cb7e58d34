/**
 * Rejects requests that another site sends through the browser of a user (CSRF). A client that is not a browser sends
 * no Origin and passes. Used as a middleware by app.ts and as a function by the websocket upgrade.
 */
import type { MiddlewareHandler } from 'hono'
import { ApiError } from '../../domain/errors.ts'
import type { ServerSettings } from '../../domain/settings.ts'
import { createListTest } from './allowed-hosts.ts'
import { type RawRequest, rawRequestOf, type SenderReader } from './sender.ts'

type OriginSettings = Pick<ServerSettings, 'APP_URL' | 'ALLOWED_HOSTS'>

export type OriginRule = (request: RawRequest) => void

export function sameOrigin(rule: OriginRule): MiddlewareHandler {
  return (context, next) => {
    rule(rawRequestOf(context))
    return next()
  }
}

/**
 * For a read that runs a script: browsers send no Origin with it, but most say whether another site asks. A site of the
 * same domain is another one too, because deployments have such names.
 */
export function sameSite(rule: OriginRule): MiddlewareHandler {
  return (context, next) => {
    const request = rawRequestOf(context)
    rule(request)
    const site = request.headers.get('sec-fetch-site')
    if (request.headers.get('origin') || (site !== 'cross-site' && site !== 'same-site')) return next()
    throw new ApiError('wrong_origin', 'Requests from pages of other sites are not accepted here.')
  }
}

/**
 * A request that a cookie has authenticated comes from a browser, which sends an Origin with it: without one it is rejected. Its
 * scheme counts too. Throws wrong_origin (403).
 */
export function requireOwnOrigin(request: RawRequest, ownOrigin: string): void {
  const origin = request.headers.get('origin')
  if (origin && URL.parse(origin)?.origin === ownOrigin) return
  throw new ApiError(
    'wrong_origin',
    `A request with a session cookie must come from the page at ${ownOrigin}; this one ${origin ? `comes from ${origin.slice(0, 200)}` : 'has no header Origin'}.`,
  )
}

/** The rule throws wrong_origin (403). */
export function createOriginRule(settings: OriginSettings, sender: SenderReader): OriginRule {
  const { APP_URL, ALLOWED_HOSTS } = settings
  const appOrigins = new Set(APP_URL.map((url) => URL.parse(url)?.origin))
  const isListed = createListTest(ALLOWED_HOSTS)
  /** The host that the request was sent to; with APP_URL only one that ALLOWED_HOSTS names. */
  const isOwnHost = (origin: URL, host: string) =>
    (APP_URL.length === 0 || isListed(host)) &&
    // With the scheme of the origin, so that its default port may be written or not.
    URL.parse(`${origin.protocol}//${host}`)?.host === origin.host

  return (request) => {
    const text = request.headers.get('origin')
    if (!text) return
    const origin = URL.parse(text)
    const host = sender.host(request) ?? ''
    if (origin !== null && origin.host !== '' && (appOrigins.has(origin.origin) || isOwnHost(origin, host)))
      return
    const appUrl = APP_URL.length === 0 ? 'not set' : APP_URL.join(', ')
    throw new ApiError(
      'wrong_origin',
      `Requests from ${text.slice(0, 200)} are not accepted here: their header Host is ${host.slice(0, 200)}, and APP_URL is ${appUrl}. ` +
        'Set APP_URL to the address of the page, or let the proxy pass the header Host.',
    )
  }
}
