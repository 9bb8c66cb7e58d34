/** Middlewares: `authenticate` stores the role of the request, `authorize` rejects a request whose role is too low. */
import type { MiddlewareHandler } from 'hono'
import type { Role } from '../../domain/api-schema.ts'
import type { ServerSettings } from '../../domain/settings.ts'
import { requireRole, roleOf } from '../auth/credentials.ts'
import type { RequestEnv } from './request-env.ts'

export function authenticate(settings: ServerSettings): MiddlewareHandler<RequestEnv> {
  return (context, next) => {
    context.set('role', roleOf(settings, context.req.header('authorization')))
    return next()
  }
}

/** Throws unauthenticated (401) or forbidden (403). */
export function authorize(required: Role): MiddlewareHandler<RequestEnv> {
  return (context, next) => {
    requireRole(context.get('role'), required, context.req.header('authorization'))
    return next()
  }
}
