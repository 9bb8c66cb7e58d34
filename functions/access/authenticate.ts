/**
 * Middlewares: `authenticate` stores who sends the request, `limitRequests` and `authorize` reject one that the sender may
 * not send.
 */
import type { MiddlewareHandler } from 'hono'
import { decide } from '../../domain/access/roles.ts'
import { headers, type RequiredRight } from '../../domain/endpoints.ts'
import { ApiError } from '../../domain/errors.ts'
import type { ServerSettings } from '../../domain/settings.ts'
import type { Auth } from '../auth/auth.ts'
import type { Identity } from '../auth/identity.ts'
import { requireRight } from '../auth/require-right.ts'
import { tokenOf } from '../auth/tokens/token-text.ts'
import { bodyLengthOf } from '../http/request-body.ts'
import type { RequestEnv } from '../http/request-env.ts'
import type { Access } from './access.ts'
import type { Caller } from './limits.ts'
import { requireOwnOrigin } from './same-origin.ts'
import { type RawRequest, rawRequestOf, type SenderReader } from './sender.ts'

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
      context.set('caller', toCaller(auth.identifier.anonymous, access.sender, request))
      return next()
    }
    const found = identifySender(auth, access, request, (identity) => mayPass(identity, required))
    // Most callers are known at once, and a promise costs a turn.
    const identity = found instanceof Promise ? await found : found
    context.set('identity', identity)
    context.set('caller', toCaller(identity, access.sender, request))
    await next()
    // A CI job knows when its token ends: the exchange has said it.
    if (identity.token !== null && identity.token.kind !== 'exchange')
      context.header(headers.tokenExpires, identity.token.expiresAt)
  }
}

/** The address is found out when a limit needs it: who is known has none. */
export const toCaller = ({ key }: Identity, sender: SenderReader, request: RawRequest): Caller => ({
  key,
  get address() {
    return sender.address(request)
  },
})

/**
 * Also counts a wrong Authorization header, and notes the use of an access token. `isEnough`: whether the request is answered
 * without the header too. `authorization` replaces the header, for a websocket.
 */
export function identifySender(
  auth: Auth,
  { sender, limits, wrongCredentials }: Pick<Access, 'sender' | 'limits' | 'wrongCredentials'>,
  request: RawRequest,
  isEnough: (identity: Identity) => boolean,
  authorization = request.headers.get('authorization') ?? undefined,
): Identity | Promise<Identity> {
  // An address that tries many cookies pays for each of them before the database is asked.
  const beforeRead = () => limits.countRequest(toCaller(auth.identifier.anonymous, sender, request), 0)
  const found = auth.identifier.identify(request, beforeRead, authorization)
  if (authorization === undefined) return found
  const recordWrong = (mayPass: boolean) =>
    wrongCredentials.record(sender.address(request), authorization, mayPass)
  if (tokenOf(authorization) !== null)
    return Promise.resolve(found).then(
      (identity) => {
        if (identity.token !== null) auth.tokens.recordUse(identity.token, sender.address(request))
        return identity
      },
      async (error) => {
        if (error instanceof ApiError && error.code === 'unauthenticated') await recordWrong(false)
        throw error
      },
    )
  const isValid = !(found instanceof Promise) && found.isByHeader
  if (isValid || !auth.credentials.exist || auth.credentials.match(authorization) !== null) return found
  return Promise.resolve(found).then(async (identity) => {
    await recordWrong(isEnough(identity))
    return identity
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
