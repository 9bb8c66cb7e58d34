/** Handlers of /tokens: a person makes tokens for itself and for services of its groups, an admin for everybody. */
import { findGroups, requirePerson } from '../../../db/queries/access/people.ts'
import { listTokens as findListedTokens, isTokenVisible } from '../../../db/queries/access/tokens.ts'
import { decide, highestRole } from '../../../domain/access/roles.ts'
import { ApiError } from '../../../domain/errors.ts'
import type { EndpointHandler, EndpointRequest } from '../../http/endpoint-handler.ts'
import type { Services } from '../../services.ts'
import type { Identity } from '../identity.ts'
import { requireRight } from '../require-right.ts'
import { serviceOf } from './token-identity.ts'
import { callerOf, lifetimeOfDays } from './token-owner.ts'

export const listTokens: EndpointHandler<'listTokens'> = async (services, { identity, query }) => {
  if (query.all === 'true') {
    requireRight(services.settings, identity, 'manage_tokens')
    return [...(await findListedTokens(services.db, { person: null, groups: [] }))]
  }
  const caller = callerOf(identity)
  if (caller === null) return []
  return [...(await findListedTokens(services.db, { person: caller, groups: identity.groups }))]
}

export const createToken: EndpointHandler<'createToken'> = async (services, request) => {
  const { identity, body } = request
  if (identity.token !== null)
    throw new ApiError('forbidden', 'An access token cannot create another one. Sign in to do it.')
  const lifetimeMs = lifetimeOfDays(services.settings, body.expires_in_days)
  const owner = await ownerOf(services, request)
  const role = body.role ?? highestRole(owner.grants)
  if (role === null)
    throw new ApiError(
      'bad_request',
      `${owner.name} has no role here, so a token of ${owner.name} could do nothing.`,
    )
  const { id, token } = await services.auth.tokens.create({
    ...owner.token,
    label: body.label,
    createdBy: identity.name,
    by: request.actor,
    role,
    names: [...(body.names ?? ['*'])],
    lifetimeMs,
    credential: null,
    credentialMac: null,
  })
  const [created] = (await findListedTokens(services.db, { person: owner.token, groups: [] })).filter(
    ({ token_id }) => token_id === id,
  )
  if (created === undefined) throw new Error(`token ${id} was not found after its creation`)
  return { ...created, token }
}

async function ownerOf(
  services: Services,
  { identity, body }: Pick<EndpointRequest<'createToken'>, 'identity' | 'body'>,
) {
  const { auth, db, settings } = services
  const isAdmin = decide(identity.permissions, 'manage_tokens').isAllowed
  if (body.service !== undefined) {
    const { name, owner_group: ownerGroup } = body.service
    if (!isAdmin && !identity.groups.includes(ownerGroup))
      throw new ApiError(
        'forbidden',
        `${identity.name} is not in the group ${ownerGroup}. A service belongs to a group of who creates its token.`,
      )
    const service = serviceOf(kindOfGroup(settings, identity), name, ownerGroup)
    const { grants } = auth.permissions.ofMember(service, null)
    return { name, grants, token: { kind: 'service' as const, ...service.person, name, ownerGroup } }
  }
  if (body.for !== undefined) requireRight(settings, identity, 'manage_tokens')
  if (body.for === undefined && identity.person === null)
    throw new ApiError(
      'forbidden',
      'A shared credential is nobody, so it can have no token of its own. Sign in, or name the person with for.',
    )
  const person =
    body.for === undefined && identity.person !== null
      ? { ...identity.person, name: identity.name }
      : await requirePerson(db, body.for ?? '')
  const { issuer, subject, name } = person
  const groups = body.for === undefined ? identity.groups : await findGroups(db, person)
  const kind = issuer === 'proxy' ? 'proxy' : 'oidc'
  const { grants } = auth.permissions.ofMember({ kind, person: { issuer, subject }, groups }, null)
  return { name, grants, token: { kind: 'personal' as const, issuer, subject, name, ownerGroup: null } }
}

/** Whose group it is: a proxy cannot name a group of the identity provider. A shared credential names one of the provider, if there is one. */
function kindOfGroup(settings: Services['settings'], { member }: Identity) {
  const isOfProxy = member === null ? settings.OIDC_ISSUER === undefined : member.kind === 'proxy'
  return isOfProxy && settings.ACTOR_HEADER !== undefined ? 'proxy_service' : 'oidc_service'
}

/** `current`: the token that the request is sent with. */
export const revokeToken: EndpointHandler<'revokeToken'> = async (services, { identity, param, actor }) => {
  const current = param('token_id') === 'current' ? identity.token?.id : undefined
  const id = current ?? Number(param('token_id'))
  const isVisible =
    Number.isSafeInteger(id) &&
    (current !== undefined ||
      decide(identity.permissions, 'manage_tokens').isAllowed ||
      (await isOwn(services, identity, id)))
  if (!isVisible || !(await services.auth.tokens.revoke(id, identity.name, actor)))
    throw new ApiError('no_such_token', `There is no valid token ${param('token_id').slice(0, 40)} of yours.`)
  return { tag: 'Success' as const }
}

/** Also a token of a service of the caller's groups. */
async function isOwn({ db }: Services, identity: Identity, id: number): Promise<boolean> {
  const caller = callerOf(identity)
  return caller !== null && (await isTokenVisible(db, id, { person: caller, groups: identity.groups }))
}
