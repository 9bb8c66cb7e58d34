/**
 * Middleware around all others of an endpoint: a refused request of a known caller is in the audit log before it is answered. When it
 * cannot be written, the answer is 503. Refused requests of others are counted.
 */
import type { Context, MiddlewareHandler } from 'hono'
import type { AuditOperation } from '../../domain/audit/operations.ts'
import { ApiError } from '../../domain/errors.ts'
import { rawRequestOf } from '../access/sender.ts'
import { actorOf } from '../auth/actor.ts'
import type { Identity } from '../auth/identity.ts'
import { requestIdOf } from '../http/answer-headers.ts'
import { errorResponse } from '../http/error-handler.ts'
import type { RequestEnv } from '../http/request-env.ts'
import type { Services } from '../services.ts'

/** `operation`: what a refusal is about that does not say it. */
export function recordRefusals(
  { audit, access, log }: Pick<Services, 'audit' | 'access' | 'log'>,
  operation: AuditOperation,
): MiddlewareHandler<RequestEnv> {
  return async (context, next) => {
    await next()
    const { error } = context
    if (!(error instanceof ApiError)) return
    const address = () => access.sender.address(rawRequestOf(context))
    if (error.code === 'unauthenticated' || error.code === 'session_ended')
      return audit.countUnidentified(address())
    if (error.code !== 'forbidden' && error.refused === undefined) return
    const identity: Identity | undefined = context.get('identity')
    if (identity === undefined || identity.proof === 'anonymous') return audit.countUnidentified(address())
    try {
      const by = refusedActor(context, identity, address())
      const refused = { ...actionOf(context), ...(error.refused ?? { operation }) }
      await audit.recordRefusal(by, identity.key ?? address(), refused, error.message)
    } catch (problem) {
      context.res = errorResponse(problem, log, requestIdOf(context))
    }
  }
}

/** The action in the path, for a caller that has the right for no deployment at all. */
function actionOf(context: Context<RequestEnv>): { actionId?: number } {
  const id = context.req.param('action_id') ?? ''
  return /^\d{1,15}$/.test(id) ? { actionId: Number(id) } : {}
}

/** A claim or a reason that is invalid does not keep the refusal out of the log. */
function refusedActor(context: Context<RequestEnv>, identity: Identity, address: string) {
  const origin = { address, requestId: requestIdOf(context) }
  try {
    return actorOf(identity, { get: (header) => context.req.header(header) }, origin)
  } catch {
    return actorOf(identity, { get: () => undefined }, origin)
  }
}
