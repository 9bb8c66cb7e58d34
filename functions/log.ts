/** One line a request: what was asked, how it was answered, how long it took. No bodies, no credentials. */
import type { MiddlewareHandler } from 'hono'
import type { Logger } from 'pino'
import { headers } from '../domain/api.ts'

export function logRequests(log: Logger): MiddlewareHandler {
  return async (context, next) => {
    const startedAt = performance.now()
    await next()
    const { method, path } = context.req
    if (path === '/healthz' || path === '/readyz') return
    const level = context.res.status >= 500 ? 'warn' : 'debug'
    log[level](
      {
        requestId: context.get('requestId'),
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
