/** Refuses what the caller may not do, with a message that names the missing right and who has it. */

import { type Refusal, type RefusalTarget, refusalMessage } from '../../domain/access/refusal.ts'
import {
  decide,
  mayForAllNames,
  type Right,
  rights,
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
export type RightTarget = RefusalTarget

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

/** For what concerns all deployments, also those that a role for some names does not show. {@link requireRight} comes first. */
export function requireAllNames({ name, permissions }: Identity, right: Right): void {
  if (mayForAllNames(permissions, right)) return
  throw new ApiError(
    'forbidden',
    `${name} may not ${rights[right].label}: that concerns all deployments, and the roles of ${name} are for some names only. Ask an admin of all names.`,
    { refused: { operation: right } },
  )
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
  decision: Refusal,
  target: RightTarget | undefined,
): ApiError {
  if (identity.proof === 'anonymous') {
    const ways = waysToSignIn(settings)
    return new ApiError(
      'unauthenticated',
      `Nobody is signed in. The role ${decision.roles.join(' or ')} may ${rights[right].label}${ways.length === 0 ? '' : `: ${ways.join(', or ')}`}.`,
    )
  }
  return new ApiError('forbidden', refusalMessage(identity, right, decision, target), {
    refused: { operation: right, ...(target === undefined ? {} : { deployment: target.name }) },
  })
}
