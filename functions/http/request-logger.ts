/**
 * One line a request: what was asked, how it was answered, how long it took, under an id that answers with an error carry
 * too. No bodies, no credentials.
 */
import { randomUUID } from 'node:crypto'
import type { Context, MiddlewareHandler } from 'hono'
import type { Logger } from 'pino'
import { headers } from '../../domain/endpoints.ts'

/** Touches no answer: reading its headers would cost every request node-server's quick way of sending it. */
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
    log[level]({ requestId: requestIdOf(context), method, path, status, ms }, 'answered')
  }
}

/** A proxy's id is kept, so that its log and ours can be read together. The same for one request each time. */
export function requestIdOf(context: Context): string {
  const known: string | undefined = context.get('requestId')
  if (known !== undefined) return known
  const given = context.req.header(headers.requestId)
  const id = given !== undefined && /^[\w.-]{1,100}$/.test(given) ? given : randomUUID()
  context.set('requestId', id)
  return id
}
