/** One line a request: what was asked, how it was answered, how long it took, under an id that the answer carries too. No
 * bodies, no credentials. */
import { randomUUID } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import type { Logger } from 'pino'
import { headers } from '../domain/places.ts'

export function logRequests(log: Logger): MiddlewareHandler {
  return async (context, next) => {
    const startedAt = performance.now()
    const id = requestIdOf(context.req.header(headers.requestId))
    await next()
    context.res.headers.set(headers.requestId, id)
    context.res.headers.set('X-Content-Type-Options', 'nosniff')
    const { method, path } = context.req
    if (path === '/healthz' || path === '/readyz') return
    const level = context.res.status >= 500 ? 'warn' : 'debug'
    log[level](
      {
        requestId: id,
        method,
        path,
        status: context.res.status,
        actionId: context.res.headers.get(headers.actionId) ?? undefined,
        ms: Math.round(performance.now() - startedAt),
      },
      'answered',
    )
  }
}

/** A proxy's id is kept, so that its log and ours can be read together. */
function requestIdOf(given: string | undefined): string {
  return given !== undefined && /^[\w.-]{1,100}$/.test(given) ? given : randomUUID()
}
