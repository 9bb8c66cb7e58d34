/**
 * Middleware: logs one line for each request with method, path, status and duration, without bodies and credentials.
 * Error answers carry the same request id.
 */
import { randomUUID } from 'node:crypto'
import type { Context, MiddlewareHandler } from 'hono'
import type { Logger } from 'pino'
import { headers } from '../../domain/endpoints.ts'

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

/**
 * Keeps the id of a proxy, so that its log and this one can be read together. Returns the same id for the same request.
 */
export function requestIdOf(context: Context): string {
  const known: string | undefined = context.get('requestId')
  if (known !== undefined) return known
  const proxyId = context.req.header(headers.requestId)
  const id = proxyId !== undefined && /^[\w.-]{1,100}$/.test(proxyId) ? proxyId : randomUUID()
  context.set('requestId', id)
  return id
}
