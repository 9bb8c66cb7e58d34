/**
 * Middlewares: `authenticate` stores who sends the request, `limitRequests` and `authorize` reject one that the sender may
 * not send.
 */
import type { MiddlewareHandler } from 'hono'
import type { Role } from '../../domain/api-schema.ts'
import type { ServerSettings } from '../../domain/settings.ts'
import { hasCredentials, identify, isAllowed, requireRole } from '../auth/credentials.ts'
import { bodyLengthOf } from '../http/request-body.ts'
import type { RequestEnv } from '../http/request-env.ts'
import type { Access } from './access.ts'
import { rawRequestOf } from './sender.ts'

/** `required`: what the endpoint needs. Throws rate_limited (429) for an address that guesses credentials. */
export function authenticate(
  settings: ServerSettings,
  { sender, wrongCredentials }: Access,
  required: Role,
): MiddlewareHandler<RequestEnv> {
  return async (context, next) => {
    const authorization = context.req.header('authorization')
    const { role, credential } = identify(settings, authorization)
    const address = sender.address(rawRequestOf(context))
    context.set('role', role)
    context.set('caller', { credential, address })
    if (authorization && credential === null && hasCredentials(settings))
      await wrongCredentials.record(address, authorization, isAllowed(role, required))
    await next()
  }
}

/** Comes before the body is read. Throws rate_limited (429). */
export function limitRequests({ limits }: Access): MiddlewareHandler<RequestEnv> {
  return async (context, next) => {
    await limits.countRequest(context.get('caller'), bodyLengthOf(context))
    await next()
  }
}

/** Throws unauthenticated (401) or forbidden (403). */
export function authorize(required: Role): MiddlewareHandler<RequestEnv> {
  return (context, next) => {
    requireRole(context.get('role'), required, context.req.header('authorization'))
    return next()
  }
}
