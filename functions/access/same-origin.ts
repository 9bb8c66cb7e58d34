/**
 * Rejects requests that another site sends through the browser of a user (CSRF). A client that is not a browser sends
 * no Origin and passes. Used as a middleware by app.ts and as a function by the websocket upgrade.
 */
import type { MiddlewareHandler } from 'hono'
import { ApiError } from '../../domain/errors.ts'
import type { ServerSettings } from '../../domain/settings.ts'
import type { RequestHeaders } from '../auth/actor.ts'

export function sameOrigin(settings: ServerSettings): MiddlewareHandler {
  return (context, next) => {
    requireSameOrigin(settings, { get: (name) => context.req.header(name) })
    return next()
  }
}

/** Throws wrong_origin (403). */
export function requireSameOrigin(settings: ServerSettings, requestHeaders: RequestHeaders): void {
  const origin = requestHeaders.get('origin')
  if (!origin || isOriginAllowed(settings, origin, requestHeaders.get('host'))) return
  throw new ApiError('wrong_origin', `Requests from ${origin.slice(0, 200)} are not accepted here.`)
}

/** One of APP_URL; without that setting, the host that the request was sent to. */
function isOriginAllowed(settings: ServerSettings, origin: string, host: string | null | undefined): boolean {
  if (settings.APP_URL.length > 0) return settings.APP_URL.some((url) => URL.parse(url)?.origin === origin)
  const originHost = URL.parse(origin)?.host
  return originHost !== undefined && originHost === host
}
