/**
 * Handler of /event for a request that is no websocket, as a proxy sends it that does not pass the header Upgrade. The
 * page asks here why it got no websocket, because browsers do not tell.
 */
import type { Handler } from 'hono'
import { ApiError } from '../../domain/errors.ts'
import { rawRequestOf } from '../access/sender.ts'
import { requestIdOf } from '../http/answer-headers.ts'
import { errorResponse } from '../http/error-handler.ts'
import type { Services } from '../services.ts'

/** `?origin=` is the origin of the page, which browsers send with a websocket, but not with this request. */
export function upgradeRequired({ access, settings, log }: Services): Handler {
  return (context) => {
    const request = rawRequestOf(context)
    const origin = context.req.query('origin')
    const { headers } = request
    if (origin !== undefined)
      access.requireSameOrigin({
        ...request,
        headers: { get: (name) => (name === 'origin' ? origin : headers.get(name)) },
      })
    const host = access.sender.host(request)?.slice(0, 200) ?? 'missing'
    const appUrl = settings.APP_URL.length === 0 ? 'not set' : settings.APP_URL.join(', ')
    const message = `Only websockets are served here, and this request has no header Upgrade. A proxy must pass Upgrade, Connection and Host. Here Host is ${host}, and APP_URL is ${appUrl}.`
    const response = errorResponse(new ApiError('upgrade_required', message), log, requestIdOf(context))
    response.headers.set('Upgrade', 'websocket')
    response.headers.set('Connection', 'Upgrade')
    return response
  }
}
