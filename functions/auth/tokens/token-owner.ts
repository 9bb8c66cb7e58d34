/** Whose access token somebody makes for itself, and with which role at most. Used by token-handlers.ts and device-handlers.ts. */
import { highestRole, type Role } from '../../../domain/access/roles.ts'
import { ApiError } from '../../../domain/errors.ts'
import type { ServerSettings } from '../../../domain/settings.ts'
import type { Identity, SharedCredential } from '../identity.ts'
import type { PermissionReader } from '../permissions.ts'
import { proxyIssuer } from '../trusted-proxy.ts'
import { sharedIssuer } from './token-identity.ts'

export type TokenOwner = {
  token: { kind: 'personal'; issuer: string; subject: string; name: string; ownerGroup: null }
  /** Null: none. */
  role: Role | null
  /** The shared credential whose rights it has; null for a person. */
  credential: SharedCredential | null
}

export function ownerOfCaller(permissions: PermissionReader, identity: Identity): TokenOwner {
  const { person, name, groups } = identity
  const caller = callerOf(identity)
  if (caller === null) throw new ApiError('unauthenticated', 'Nobody is signed in.')
  const { issuer, subject } = caller
  const token = { kind: 'personal' as const, issuer, subject, name, ownerGroup: null }
  if (person === null && identity.shared !== null)
    return { token, role: highestRole(identity.permissions.grants), credential: identity.shared }
  // A credential that came with a proxy's person does not belong to the person.
  const kind = issuer === proxyIssuer ? 'proxy' : 'oidc'
  const { grants } = permissions.ofMember({ kind, person: caller, groups }, null)
  return { token, role: highestRole(grants), credential: null }
}

/** As whom the tokens of a caller are stored; null for an anonymous one. */
export function callerOf({ person, shared }: Pick<Identity, 'person' | 'shared'>) {
  if (person !== null) return person
  return shared === null ? null : { issuer: sharedIssuer, subject: shared }
}

const dayMs = 86_400_000

/** Throws bad_request for more than TOKEN_MAX_DAYS. */
export function lifetimeOfDays(
  { TOKEN_MAX_DAYS }: Pick<ServerSettings, 'TOKEN_MAX_DAYS'>,
  days: number,
): number {
  if (days <= TOKEN_MAX_DAYS) return days * dayMs
  throw new ApiError('bad_request', `body.expires_in_days: at most ${TOKEN_MAX_DAYS} (TOKEN_MAX_DAYS).`)
}
