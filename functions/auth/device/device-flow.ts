/**
 * The paths of the device flow (RFC 8628) that a program calls without a credential, as `octo login` does: it starts a login, shows
 * the code to its user, and asks for the token until somebody has approved. Used by app.ts; the page decides by
 * device-handlers.ts.
 */
import { hash, randomBytes, randomInt } from 'node:crypto'
import type { Context, Handler } from 'hono'
import { LRUCache } from 'lru-cache'
import {
  type DeviceLogin,
  deleteOldDeviceLogins,
  findDeviceLogin,
  insertDeviceLogin,
  redeemDeviceLogin,
} from '../../../db/queries/access/device-logins.ts'
import { formatUserCode, userCodeAlphabet, userCodeLength } from '../../../domain/access/user-code.ts'
import { ApiError } from '../../../domain/errors.ts'
import { withoutControlCharacters } from '../../../lib/hidden-characters.ts'
import { basePathOf } from '../../access/base-path.ts'
import { groupAddress } from '../../access/limits.ts'
import { rawRequestOf } from '../../access/sender.ts'
import { requestIdOf } from '../../http/answer-headers.ts'
import type { RequestEnv } from '../../http/request-env.ts'
import type { Services } from '../../services.ts'
import { macOf } from '../sessions/session-secrets.ts'
import { oauthError, readOAuthParameters } from '../tokens/oauth.ts'
import { maxTokensOf } from '../tokens/token-store.ts'
import { createTokenText, hashToken } from '../tokens/token-text.ts'
import { findHashedCredential } from './credential-hash.ts'

/** How long a person has for reading the code, signing in and approving. */
const lifetimeMs = 600_000
const intervalSeconds = 5
/** Clocks and networks are not exact. */
const earlyMs = 500
const grantType = 'urn:ietf:params:oauth:grant-type:device_code'
const maxPending = 10_000
const maxPendingOfAddress = 50
const maxClientNameLength = 100

export type DeviceFlow = {
  /** POST: starts a login. */
  start: Handler<RequestEnv>
  /** POST: gives the token, once, after somebody has approved. */
  token: Handler<RequestEnv>
}

export function createDeviceFlow(services: Services): DeviceFlow {
  return { start: start(services), token: token(services) }
}

function start(services: Services): Handler<RequestEnv> {
  const { auth, access, db, log, settings } = services
  return async (context) => {
    const request = rawRequestOf(context)
    requireWayToApprove(services)
    const parameters = readParameters(context)
    const clientName = readClientName(parameters.get('client_name') ?? parameters.get('client_id'))
    const address = access.sender.address(request)
    const deviceCode = randomBytes(32).toString('base64url')
    const userCode = await store(services, { deviceCode, clientName, address })
    deleteOldDeviceLogins(db).catch((error) =>
      log.debug({ err: error }, 'old device logins were not deleted'),
    )
    const page = `${auth.cookies.originOf(request)}${basePathOf(settings)}/device`
    return Response.json({
      device_code: deviceCode,
      user_code: formatUserCode(userCode),
      verification_uri: page,
      verification_uri_complete: `${page}?user_code=${formatUserCode(userCode)}`,
      expires_in: lifetimeMs / 1000,
      interval: intervalSeconds,
    })
  }
}

const readParameters = (context: Context<RequestEnv>) =>
  readOAuthParameters(context.req.header('content-type') ?? '', context.get('bodyText') ?? '')

/** Throws bad_request where nobody can sign in, so nobody could approve. */
function requireWayToApprove({ settings, auth }: Services): void {
  if (settings.OIDC_ISSUER !== undefined || settings.ACTOR_HEADER !== undefined || auth.credentials.exist)
    return
  throw new ApiError(
    'bad_request',
    'Nobody can sign in at this installation, so nobody can approve a login. It works without one.',
  )
}

function readClientName(text: string | undefined): string {
  const name = text?.trim() || 'a program without a name'
  if (name.length > maxClientNameLength || name !== withoutControlCharacters(name))
    throw new ApiError(
      'bad_request',
      `client_name: at most ${maxClientNameLength} characters, and no hidden ones.`,
    )
  return name
}

type Started = { deviceCode: string; clientName: string; address: string }

/** Returns the code for the person. A code that somebody else shows at the moment is drawn again. */
async function store({ db }: Services, { deviceCode, clientName, address }: Started): Promise<string> {
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const userCode = createUserCode()
    const login = {
      deviceCodeHash: hashDeviceCode(deviceCode),
      userCode,
      clientName,
      address,
      addressGroup: groupAddress(address),
      lifetimeMs,
    }
    if (await insertDeviceLogin(db, login, { maxPending, maxPendingOfAddress })) return userCode
  }
  throw new ApiError('rate_limited', 'Too many logins wait for an approval already.', {
    retryAfterSeconds: 60,
  })
}

const createUserCode = () =>
  Array.from({ length: userCodeLength }, () => userCodeAlphabet[randomInt(userCodeAlphabet.length)]).join('')

const hashDeviceCode = (deviceCode: string) => hash('sha256', deviceCode)

function token(services: Services): Handler<RequestEnv> {
  const { db, access, log } = services
  /** When a program asked last. Of several servers each counts for itself. */
  const askedAtMs = new LRUCache<string, number>({ max: 20_000, ttl: lifetimeMs })
  return async (context) => {
    const parameters = readParameters(context)
    const requestedType = parameters.get('grant_type') ?? grantType
    if (requestedType !== grantType)
      return oauthError('unsupported_grant_type', `grant_type: only ${grantType}.`)
    const deviceCode = parameters.get('device_code') ?? ''
    if (deviceCode === '') return oauthError('invalid_request', 'device_code is missing.')
    const deviceCodeHash = hashDeviceCode(deviceCode)
    const now = performance.now()
    if (now - (askedAtMs.get(deviceCodeHash) ?? Number.NEGATIVE_INFINITY) < intervalSeconds * 1000 - earlyMs)
      return oauthError('slow_down', `Ask every ${intervalSeconds} seconds, and from now on 5 seconds later.`)
    askedAtMs.set(deviceCodeHash, now)

    const login = await findDeviceLogin(db, deviceCodeHash)
    if (login?.state !== 'approved') return refuse(services, login)
    const text = createTokenText('personal')
    const credential = login.credential === null ? null : await credentialOf(services, login)
    if (login.credential !== null && credential === null)
      return oauthError('access_denied', 'The shared credential that has approved this login has changed.')
    const secrets = {
      tokenHash: hashToken(text),
      credentialMac: credential === null ? null : macOf(text, credential),
    }
    const redeemed = await redeemDeviceLogin(db, deviceCodeHash, secrets, maxTokensOf(login), {
      address: access.sender.address(rawRequestOf(context)),
      requestId: requestIdOf(context),
    })
    if (redeemed === null) return refuse(services, await findDeviceLogin(db, deviceCodeHash))
    const { tokenId, name, role, label, lifetimeMs: tokenLifetimeMs } = redeemed
    if (tokenId === null)
      return oauthError('access_denied', `${name} has too many valid access tokens. Revoke one first.`)
    log.info({ person: name, client: label, tokenId }, 'access token given to a program that logged in')
    return Response.json({
      access_token: text,
      token_type: 'Bearer',
      expires_in: Math.floor(tokenLifetimeMs / 1000),
      token_id: tokenId,
      name,
      role,
    })
  }
}

/** `login` null: it is unknown. A device code that is used twice is in wrong hands, or its answer was lost. */
async function refuse({ auth, log }: Services, login: DeviceLogin | null): Promise<Response> {
  switch (login?.state) {
    case 'pending':
      return oauthError('authorization_pending', 'Nobody has approved yet.')
    case 'denied':
      return oauthError('access_denied', 'The login was denied.')
    case 'expired':
      return oauthError('expired_token', 'The code has expired. Start again.')
    case 'redeemed':
      if (login.tokenId !== null && (await auth.tokens.revoke(login.tokenId, 'used twice')))
        log.warn({ tokenId: login.tokenId }, 'device code used twice; its access token is revoked')
      return oauthError('invalid_grant', 'The code was used already, so its token is revoked. Start again.')
    default:
      return oauthError('invalid_grant', 'The device code is unknown. Start again.')
  }
}

/** The present value of the shared credential that approved; null when it was rotated since. */
const credentialOf = ({ auth }: Services, { credential, credentialHash }: DeviceLogin) =>
  credential === null || credentialHash === null
    ? null
    : findHashedCredential(auth.credentials.values(credential), Buffer.from(credentialHash, 'hex'))
