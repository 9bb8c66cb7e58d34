/** Refuses what the caller may not do, with a message that names the missing right and who has it. */

import {
  type Decision,
  decide,
  type Person,
  type Right,
  rights,
  roles,
  type Scope,
  scopeFor,
} from '../../domain/access/roles.ts'
import type { RequiredRight } from '../../domain/endpoints.ts'
import { ApiError } from '../../domain/errors.ts'
import type { ServerSettings } from '../../domain/settings.ts'
import type { Identity } from './identity.ts'

export type SignInSettings = Pick<
  ServerSettings,
  | 'OIDC_ISSUER'
  | 'OIDC_NAME'
  | 'APP_AUTHORIZATION_HEADER'
  | 'POWER_AUTHORIZATION_HEADER'
  | 'SHARED_CREDENTIALS'
  | 'ACTOR_HEADER'
>

/** `owner` is missing while it is not known yet: the name decides then, and the database compares the owner. */
export type RightTarget = { name: string; owner?: (Person & { name?: string }) | null }

/** Throws unauthenticated (401) for an anonymous caller, forbidden (403) for another one. */
export function requireRight(
  settings: SignInSettings,
  identity: Identity,
  right: RequiredRight,
  target?: RightTarget,
): void {
  if (right === 'open') return
  if (right === 'known') {
    if (identity.proof === 'anonymous' && identity.permissions.grants.length === 0)
      throw unauthenticated(settings)
    return
  }
  const decision = decide(identity.permissions, right, target)
  if (!decision.isAllowed) throw refusal(settings, identity, right, decision, target)
}

/** The scope for the transaction, which compares the owner. Throws like {@link requireRight}. */
export function requireScope(
  settings: SignInSettings,
  identity: Identity,
  right: Right,
  name: string,
): Scope {
  requireRight(settings, identity, right, { name })
  return scopeFor(identity.permissions, right, name)
}

export function unauthenticated(settings: SignInSettings): ApiError {
  return new ApiError('unauthenticated', `Sign in first: ${waysToSignIn(settings).join(', or ')}.`)
}

function waysToSignIn(settings: SignInSettings): string[] {
  const { OIDC_ISSUER, OIDC_NAME, SHARED_CREDENTIALS, ACTOR_HEADER } = settings
  const hasShared =
    SHARED_CREDENTIALS &&
    settings.APP_AUTHORIZATION_HEADER.length + settings.POWER_AUTHORIZATION_HEADER.length > 0
  return [
    ...(OIDC_ISSUER === undefined ? [] : [`open the page and sign in with ${OIDC_NAME}`]),
    ...(ACTOR_HEADER === undefined ? [] : ['come through the proxy that signs people in']),
    ...(hasShared ? ['send the Authorization header of this installation'] : []),
  ]
}

function refusal(
  settings: SignInSettings,
  identity: Identity,
  right: Right,
  decision: Exclude<Decision, { isAllowed: true }>,
  target: RightTarget | undefined,
): ApiError {
  if (identity.proof === 'anonymous') {
    const ways = waysToSignIn(settings)
    return new ApiError(
      'unauthenticated',
      `Nobody is signed in. The role ${decision.roles.join(' or ')} may ${rights[right].label}${ways.length === 0 ? '' : `: ${ways.join(', or ')}`}.`,
    )
  }
  return new ApiError('forbidden', refusalMessage(identity, right, decision, target))
}

/** The sentences of a refusal. Also for `octo policy explain`. */
export function refusalMessage(
  { name, permissions }: Pick<Identity, 'name' | 'permissions'>,
  right: Right,
  { reason, roles: enough }: Exclude<Decision, { isAllowed: true }>,
  target: RightTarget | undefined,
): string {
  const { label } = rights[right]
  const needed = `The role ${enough.join(' or ')} may ${label}`
  switch (reason) {
    case 'no_role':
      return `${name} has no role here, so may not ${label}. Ask an admin for one of the roles ${roles.join(', ')}.`
    case 'names':
      return `${name} may not ${label}: the roles of ${name} are for ${patternsOf(permissions)}, not for ${target?.name}. Ask an admin for a rule that names it.`
    case 'role':
      return `${name} may not ${label} (right ${right}). ${needed}; ask an admin.`
    case 'owner': {
      const owner = target?.owner?.name ?? target?.owner?.subject
      const whose = owner === undefined ? 'nobody owns' : `${owner} owns`
      return `${name} may not ${label}: ${whose} ${target?.name}. ${needed}${owner === undefined ? '' : ', or its owner'}.`
    }
  }
}

const patternsOf = ({ grants }: Identity['permissions']) =>
  [...new Set(grants.flatMap(({ names }) => names))].slice(0, 20).join(', ')
