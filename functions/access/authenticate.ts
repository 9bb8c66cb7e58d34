/**
 * Middlewares: `authenticate` stores who sends the request, `limitRequests` and `authorize` reject one that the sender may
 * not send.
 */
import type { MiddlewareHandler } from 'hono'
import { decide } from '../../domain/access/roles.ts'
import type { RequiredRight } from '../../domain/endpoints.ts'
import { ApiError } from '../../domain/errors.ts'
import type { ServerSettings } from '../../domain/settings.ts'
import type { Auth } from '../auth/auth.ts'
import type { Identity } from '../auth/identity.ts'
import { requireRight } from '../auth/require-right.ts'
import { bodyLengthOf } from '../http/request-body.ts'
import type { RequestEnv } from '../http/request-env.ts'
import type { Access } from './access.ts'
import { requireOwnOrigin } from './same-origin.ts'
import { type RawRequest, rawRequestOf } from './sender.ts'

/** `required`: what the endpoint needs. Throws rate_limited (429) for an address that guesses credentials. */
export function authenticate(
  auth: Auth,
  access: Access,
  required: RequiredRight,
): MiddlewareHandler<RequestEnv> {
  return async (context, next) => {
    const request = rawRequestOf(context)
    // Who needs no right is not kept out by a cookie that has ended.
    if (required === 'open') {
      context.set('identity', auth.identifier.anonymous)
      context.set('caller', { key: null, address: access.sender.address(request) })
      return next()
    }
    const found = identifySender(auth, access, request, (identity) => mayPass(identity, required))
    // Most callers are known at once, and a promise costs a turn.
    const { identity, address } = found instanceof Promise ? await found : found
    context.set('identity', identity)
    context.set('caller', { key: identity.key, address })
    await next()
  }
}

type Sender = { identity: Identity; address: string }

/**
 * Also counts a wrong Authorization header. `isEnough`: whether the request is answered without it too. `authorization` replaces
 * the header, for a websocket.
 */
export function identifySender(
  auth: Auth,
  { sender, limits, wrongCredentials }: Pick<Access, 'sender' | 'limits' | 'wrongCredentials'>,
  request: RawRequest,
  isEnough: (identity: Identity) => boolean,
  authorization = request.headers.get('authorization') ?? undefined,
): Sender | Promise<Sender> {
  const address = sender.address(request)
  // An address that tries many cookies pays for each of them before the database is asked.
  const beforeRead = () => limits.countRequest({ key: null, address }, 0)
  const found = auth.identifier.identify(request, beforeRead, authorization)
  const isWrong =
    authorization !== undefined && auth.credentials.exist && auth.credentials.match(authorization) === null
  if (!(found instanceof Promise) && !isWrong) return { identity: found, address }
  return Promise.resolve(found).then(async (identity) => {
    if (isWrong) await wrongCredentials.record(address, authorization, isEnough(identity))
    return { identity, address }
  })
}

const mayPass = ({ permissions }: Identity, required: Exclude<RequiredRight, 'open'>) =>
  decide(permissions, required === 'known' ? 'read' : required).isAllowed

/** For paths that cost much and need no credential: every address pays, also one with a credential. Throws rate_limited. */
export function limitAddress({ limits, sender }: Access): MiddlewareHandler<RequestEnv> {
  return async (context, next) => {
    await limits.countRequest({ key: null, address: sender.address(rawRequestOf(context)) }, signInCostBytes)
    await next()
  }
}

/** A sign-in costs as much as a request with a body of this size. */
const signInCostBytes = 64 * 1024

/** Comes before the body is read. Throws rate_limited (429). */
export function limitRequests({ limits }: Access): MiddlewareHandler<RequestEnv> {
  return async (context, next) => {
    await limits.countRequest(context.get('caller'), bodyLengthOf(context))
    await next()
  }
}

/**
 * With `:name` in the path, the right must be for that name. Whether the owner matters is decided by the transaction. Throws
 * unauthenticated (401) or forbidden (403).
 */
export function authorize(settings: ServerSettings, required: RequiredRight): MiddlewareHandler<RequestEnv> {
  return (context, next) => {
    const name = context.req.param('name')
    requireRight(settings, context.get('identity'), required, name === undefined ? undefined : { name })
    return next()
  }
}

/** For methods that change something. */
export function requireOriginOfSession({ cookies }: Auth): MiddlewareHandler<RequestEnv> {
  return (context, next) => {
    if (context.get('identity').session === null) return next()
    const request = rawRequestOf(context)
    requireOwnOrigin(request, cookies.originOf(request))
    return next()
  }
}

/** A browser must forget the cookie of a session that has ended, so that its next request is anonymous. */
export function forgetEndedSession({ cookies }: Auth): MiddlewareHandler<RequestEnv> {
  return async (context, next) => {
    await next()
    const { error } = context
    if (error instanceof ApiError && error.code === 'session_ended')
      context.header('Set-Cookie', cookies.clear(rawRequestOf(context)))
  }
}
