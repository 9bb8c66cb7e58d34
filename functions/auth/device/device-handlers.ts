/**
 * Handlers of /device_login: a signed-in person sees which program asks for an access token, and approves or denies it. The
 * program gets the token by device-flow.ts.
 */
import {
  type Approver,
  approveDeviceLogin,
  denyDeviceLogin,
  findWaitingLogin,
} from '../../../db/queries/access/device-logins.ts'
import { lowerRole } from '../../../domain/access/roles.ts'
import { parseUserCode } from '../../../domain/access/user-code.ts'
import { ApiError } from '../../../domain/errors.ts'
import { groupAddress } from '../../access/limits.ts'
import type { EndpointHandler, EndpointRequest } from '../../http/endpoint-handler.ts'
import type { Services } from '../../services.ts'
import type { Identity } from '../identity.ts'
import { unauthenticated } from '../require-right.ts'
import { macOf } from '../sessions/session-secrets.ts'
import { lifetimeOfDays, ownerOfCaller, type TokenOwner } from '../tokens/token-owner.ts'
import { hashCredential } from './credential-hash.ts'

type Request = Pick<EndpointRequest<'getDeviceLogin'>, 'identity' | 'header' | 'caller'>

export const getDeviceLogin: EndpointHandler<'getDeviceLogin'> = async (services, request) => {
  requireSomebody(services, request)
  const userCode = await readUserCode(services, request, request.query.user_code)
  const found = await findWaitingLogin(services.db, userCode)
  if (found === null) throw await unknownCode(services, request)
  const isSameAddress = groupAddress(found.address) === groupAddress(request.caller.address)
  return { ...found, is_same_address: isSameAddress }
}

export const decideDeviceLogin: EndpointHandler<'decideDeviceLogin'> = async (services, request) => {
  const { identity, body, header } = request
  requireSomebody(services, request)
  // The proxy or the browser adds the proof of the person to any request, so only our own page may ask.
  if (!header('origin'))
    throw new ApiError(
      'wrong_origin',
      'A login is approved on the page, whose requests have a header Origin.',
    )
  const userCode = await readUserCode(services, request, body.user_code)
  const owner = ownerOfCaller(services.auth.permissions, identity)
  const { issuer, subject, name } = owner.token
  const decided = body.approve
    ? await approveDeviceLogin(
        services.db,
        userCode,
        await approverOf(services, request, owner),
        request.actor,
      )
    : await denyDeviceLogin(services.db, userCode, { issuer, subject, name }, request.actor)
  if (decided === null) throw await unknownCode(services, request)
  services.log.info(
    { person: name, client: decided.client_name, address: decided.address, approved: body.approve },
    'device login decided',
  )
  return { tag: 'Success' as const }
}

/** Also when everyone may use Octopod: a token needs somebody as whom it acts. */
function requireSomebody({ settings }: Services, { identity }: Request): void {
  if (identity.proof === 'anonymous') throw unauthenticated(settings)
  if (identity.token !== null)
    throw new ApiError('forbidden', 'An access token cannot approve a login. Sign in to do it.')
}

async function approverOf(
  services: Services,
  { identity, body, header }: Pick<EndpointRequest<'decideDeviceLogin'>, 'identity' | 'body' | 'header'>,
  { token, role, credential }: TokenOwner,
): Promise<Approver> {
  const { issuer, subject, name } = token
  if (role === null)
    throw new ApiError('bad_request', `${name} has no role here, so a token of ${name} could do nothing.`)
  const { TOKEN_MAX_DAYS } = services.settings
  return {
    issuer,
    subject,
    name,
    role: lowerRole(body.role ?? role, role),
    tokenLifetimeMs: lifetimeOfDays(services.settings, body.expires_in_days ?? Math.min(90, TOKEN_MAX_DAYS)),
    credential,
    credentialHash:
      credential === null
        ? null
        : await hashCredential(await usedValue(services, identity, credential, header)),
  }
}

/** Which of the values of a shared credential has authenticated the request. */
async function usedValue(
  { auth }: Services,
  { session }: Identity,
  credential: 'admin' | 'user',
  header: Request['header'],
): Promise<string> {
  const record = session === null ? null : await auth.sessions.find(session.secretId)
  const value =
    session === null
      ? header('authorization')
      : auth.credentials
          .values(credential)
          .find((one) => macOf(session.secretId, one) === record?.credentialMac)
  if (value !== undefined) return value
  throw new ApiError('session_ended', 'This session has ended. Sign in again.')
}

const callerKey = ({ caller }: Request) => caller.key ?? caller.address

/** Throws rate_limited for somebody who has guessed too often. */
async function readUserCode({ auth }: Services, request: Request, text: string): Promise<string> {
  const userCode = parseUserCode(text)
  if (userCode === null)
    throw new ApiError('bad_request', 'A code has eight letters, such as BCDF-GHJK, without vowels.')
  await auth.codeGuesses.requireFew(callerKey(request))
  return userCode
}

async function unknownCode({ auth }: Services, request: Request): Promise<ApiError> {
  await auth.codeGuesses.record(callerKey(request))
  return new ApiError(
    'no_such_code',
    'This code is unknown, has expired or was used already. Start the login again, and take its new code.',
  )
}
