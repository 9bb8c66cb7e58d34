/**
 * Middleware: logs one line for each request with method, path, status and duration, without bodies and credentials.
 * Error answers carry the same request id.
 */
import type { MiddlewareHandler } from 'hono'
import type { Logger } from 'pino'
import { requestIdOf } from './answer-headers.ts'

/** Does not read the headers of the answer: node-server has a fast path for answers whose headers were not read. */
export function logRequests(log: Logger): MiddlewareHandler {
  return async (context, next) => {
    const startedAt = performance.now()
    await next()
    const { method, path } = context.req
    if (path === '/healthz' || path === '/readyz') return
    const { status } = context.res
    const level = status >= 500 ? 'warn' : 'debug'
    if (!log.isLevelEnabled(level)) return
    const ms = Math.round(performance.now() - startedAt)
    log[level]({ requestId: requestIdOf(context), method, path, status, ms }, 'request')
  }
}
