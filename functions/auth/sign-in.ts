/**
 * Handlers of /auth: sign-in at the OpenID Connect provider, exchange of a shared credential for a session, sign-out. A browser
 * that comes back with an error is sent to the page, which explains it.
 */
import type { Context, Handler } from 'hono'
import { safeReturnTo } from '../../domain/access/return-to.ts'
import { authPaths } from '../../domain/endpoints.ts'
import { ApiError } from '../../domain/errors.ts'
import { createSemaphore, type Semaphore } from '../../lib/semaphore.ts'
import { identifySender } from '../access/authenticate.ts'
import { basePathOf } from '../access/base-path.ts'
import { type RawRequest, rawRequestOf } from '../access/sender.ts'
import { requestIdOf } from '../http/answer-headers.ts'
import type { RequestEnv } from '../http/request-env.ts'
import type { Services } from '../services.ts'
import { decodePendingSignIn, encodePendingSignIn } from './oidc/pending-sign-in.ts'
import { SignInError } from './oidc/sign-in-error.ts'
import { cookieFor, readCookies, requireSecureTransport, shortHash } from './sessions/session-cookie.ts'
import { hashSessionId, macOf } from './sessions/session-secrets.ts'

/** The page of the path explains `?error=CODE`. */
const errorPage = '/sign-in'
const pendingMs = 600_000
/** Sign-ins that one browser has begun at a time, in several tabs. */
const maxPending = 5
/** Calls to the provider at a time: a stranger cannot use all of what the provider allows. */
const maxProviderCalls = 20
const providerWaitMs = 2000

type Auth = Pick<Services, 'auth' | 'access' | 'log' | 'settings'>

export type SignInHandlers = {
  /** GET: to the provider. */
  login: Handler<RequestEnv>
  /** GET: back from the provider. */
  callback: Handler<RequestEnv>
  /** POST: exchanges the shared credential in the Authorization header for a session. */
  signInByCredential: Handler<RequestEnv>
  /** POST: ends the session of the cookie. */
  logout: Handler<RequestEnv>
}

export function createSignInHandlers(services: Auth): SignInHandlers {
  const permits = createSemaphore(maxProviderCalls)
  return {
    login: login(services, permits),
    callback: callback(services, permits),
    signInByCredential: signInByCredential(services),
    logout: logout(services),
  }
}

function login(services: Auth, permits: Semaphore): Handler<RequestEnv> {
  const { auth } = services
  return navigation(services, async (context, request) => {
    const provider = requireProvider(auth.provider)
    const { address, origin } = appAddress(services)
    const returnTo = safeReturnTo(context.req.query('returnTo'), address)
    // The cookie of a sign-in belongs to the host to which the provider sends the browser back.
    if (auth.cookies.originOf(request) !== origin)
      return redirect(`${address}${authPaths.login}?returnTo=${encodeURIComponent(returnTo)}`)
    requireSecureTransport(origin)
    const { location, pending } = await withPermit(permits, () => provider.startSignIn())
    const response = redirect(location)
    const prefix = pendingPrefix(services, request)
    const cookie = `${prefix}${shortHash(pending.state)}`
    for (const old of pendingCookies(request, prefix).slice(maxPending - 1))
      response.headers.append('Set-Cookie', cookieFor(origin, old, '', 0))
    response.headers.append(
      'Set-Cookie',
      cookieFor(origin, cookie, encodePendingSignIn({ ...pending, returnTo }), pendingMs),
    )
    return response
  })
}

function callback(services: Auth, permits: Semaphore): Handler<RequestEnv> {
  const { auth, log } = services
  return navigation(services, async (context, request) => {
    const provider = requireProvider(auth.provider)
    const { address, origin } = appAddress(services)
    const query = new URL(context.req.url).search
    const prefix = pendingPrefix(services, request)
    const cookie = `${prefix}${shortHash(context.req.query('state') ?? '')}`
    const pending = decodePendingSignIn(readCookies(request, cookie)[0], address)
    const person = await withPermit(permits, () =>
      provider.finishSignIn(new URL(`${address}${authPaths.callback}${query}`), pending),
    )
    if (person.refreshToken === null)
      log.warn(
        { person: person.displayName },
        'the provider gave no refresh token, so the session ends after an hour: add offline_access to OIDC_SCOPES',
      )
    const { issuer, subject, displayName: name, email, groups, refreshToken, idToken } = person
    const response = redirect(new URL(pending?.returnTo ?? `${address}/`, origin).href)
    await startSession(services, context, request, response, {
      proof: 'oidc',
      issuer,
      subject,
      name,
      email,
      groups,
      credential: null,
      tokens: refreshToken === null ? null : { refreshToken, idToken },
    })
    response.headers.append('Set-Cookie', cookieFor(origin, cookie, '', 0))
    log.info({ person: name, issuer, subject }, 'signed in')
    return response
  })
}

function signInByCredential(services: Auth): Handler<RequestEnv> {
  const { auth, access, log } = services
  return async (context) => {
    const request = rawRequestOf(context)
    requireSecureTransport(auth.cookies.originOf(request))
    await identifySender(auth, access, request, () => false)
    const authorization = request.headers.get('authorization')
    const credential = auth.credentials.match(authorization)
    if (credential === null || !authorization)
      throw new ApiError('unauthenticated', 'This is no credential of this installation.')
    const response = Response.json({ tag: 'Success' })
    await startSession(services, context, request, response, {
      proof: 'shared',
      issuer: null,
      subject: null,
      name: credential,
      email: null,
      groups: [],
      credential,
      credentialMacOf: (sessionId) => macOf(sessionId, authorization),
      tokens: null,
    })
    log.info({ credential, address: access.sender.address(request) }, 'signed in with a shared credential')
    return response
  }
}

/** `location`: where the browser also signs out of the provider; null: nowhere. */
function logout(services: Auth): Handler<RequestEnv> {
  const { auth } = services
  return async (context) => {
    const request = rawRequestOf(context)
    const sessionId = readSessionId(services, request)
    const ended =
      sessionId === null
        ? undefined
        : await auth.sessions.end(hashSessionId(sessionId), originOf(services, context, request), sessionId)
    const location =
      ended === undefined || auth.provider === null || ended.idToken === null
        ? null
        : await auth.provider.endSessionUrl(ended.idToken, `${appAddress(services).address}/`)
    const response = Response.json({ location })
    response.headers.append('Set-Cookie', auth.cookies.clear(request))
    return response
  }
}

type Started = Parameters<Services['auth']['sessions']['create']>[0]

/** Always a new id: one that a stranger has put into the browser gets no rights. The old session of the browser ends. */
async function startSession(
  services: Auth,
  context: Context<RequestEnv>,
  request: RawRequest,
  response: Response,
  session: Omit<Started, 'address' | 'userAgent' | 'requestId'>,
): Promise<void> {
  const { auth } = services
  const old = readSessionId(services, request)
  const origin = originOf(services, context, request)
  const sessionId = await auth.sessions.create({
    ...session,
    ...origin,
    userAgent: (request.headers.get('user-agent') ?? '').slice(0, 300),
  })
  if (old !== null) await auth.sessions.end(hashSessionId(old), origin)
  const maxAgeMs = auth.sessions.maxAgeMs(session.proof === 'shared' || session.tokens !== null)
  response.headers.append('Set-Cookie', auth.cookies.write(request, sessionId, maxAgeMs))
}

/** For the audit log. */
const originOf = ({ access }: Auth, context: Context<RequestEnv>, request: RawRequest) => ({
  address: access.sender.address(request),
  requestId: requestIdOf(context),
})

function readSessionId({ auth }: Auth, request: RawRequest): string | null {
  try {
    return auth.cookies.read(request)
  } catch {
    return null
  }
}

type NavigationHandler = (context: Context<RequestEnv>, request: RawRequest) => Promise<Response>

/** For a path that a browser opens: an error is shown by the page. A client that asks for JSON gets it. */
function navigation(services: Auth, handler: NavigationHandler): Handler<RequestEnv> {
  return async (context) => {
    const request = rawRequestOf(context)
    const mode = request.headers.get('sec-fetch-mode')
    if (mode !== null && mode !== undefined && mode !== 'navigate')
      throw new ApiError('bad_request', 'This path is for a browser: open it, do not fetch it.')
    try {
      return await handler(context, request)
    } catch (error) {
      const isKnown = error instanceof SignInError || error instanceof ApiError
      const code = isKnown ? error.code : 'internal'
      const requestId = requestIdOf(context)
      services.auth.signIns.recordFailure()
      services.log.warn(
        {
          code,
          requestId,
          ...(error instanceof SignInError ? { detail: error.detail } : isKnown ? {} : { err: error }),
        },
        'sign-in failed',
      )
      if (!context.req.header('accept')?.includes('text/html')) throw toApiError(error)
      return redirect(
        `${basePathOf(services.settings)}${errorPage}?error=${code}&request=${encodeURIComponent(requestId)}`,
      )
    }
  }
}

function toApiError(error: unknown): unknown {
  if (!(error instanceof SignInError)) return error
  return error.code === 'provider_unreachable'
    ? new ApiError('service_unavailable', error.message)
    : new ApiError('sign_in_failed', error.message)
}

/** Not Response.redirect, whose headers cannot be changed. */
const redirect = (location: string): Response =>
  new Response(null, { status: 303, headers: { Location: location, 'Cache-Control': 'no-store' } })

async function withPermit<T>(permits: Semaphore, work: () => Promise<T>): Promise<T> {
  if (!(await permits.acquire(providerWaitMs)))
    throw new ApiError('rate_limited', 'Too many people sign in at this moment.', { retryAfterSeconds: 5 })
  try {
    return await work()
  } finally {
    permits.release()
  }
}

function requireProvider<T>(provider: T | null): T {
  if (provider === null)
    throw new ApiError('not_found', 'OIDC_ISSUER is not set: there is no provider to sign in with.')
  return provider
}

/** `address`: the origin and the base path, without a slash at the end. */
function appAddress({ settings }: Auth): { address: string; origin: string } {
  const { origin } = new URL(settings.APP_URL[0] ?? 'http://localhost')
  return { address: origin + basePathOf(settings), origin }
}

/** `__Host-` cookies cannot be set by another host of the same domain. */
const pendingPrefix = ({ auth }: Auth, request: RawRequest) => `${auth.cookies.prefixOf(request)}-login-`

const pendingCookies = (request: RawRequest, prefix: string): string[] =>
  (request.headers.get('cookie') ?? '')
    .split(';')
    .map((pair) => pair.split('=')[0]?.trim() ?? '')
    .filter((name) => name.startsWith(prefix))
