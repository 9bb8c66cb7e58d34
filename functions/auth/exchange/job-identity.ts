/**
 * Who acts with a token that a CI job got for its ID token. What it may do is decided by the claims and the present policy.
 * Used by identify.ts.
 */

import type { Permissions } from '../../../domain/access/roles.ts'
import { ApiError } from '../../../domain/errors.ts'
import type { Identity } from '../identity.ts'
import type { PermissionReader } from '../permissions.ts'
import type { TokenRecord } from '../tokens/token-store.ts'

/** Throws unauthenticated when no trust rule matches any more. */
export function identityOfJob(record: TokenRecord, permissions: PermissionReader): Identity {
  const decision = permissions.ofJob(record.claims ?? {})
  if ('refusal' in decision)
    throw new ApiError(
      'unauthenticated',
      `The policy has changed since this token was given. ${decision.refusal}`,
    )
  const { issuer, subject, name } = record
  return {
    proof: 'exchange',
    name,
    person: null,
    email: null,
    groups: [],
    permissions: decision,
    // Also after an exchange of the next token, so that a repeated request is the same one. Jobs of one repository share `sub`.
    key: `exchange ${issuer} ${subject} ${decision.grants.flatMap(({ names }) => names).join(' ')}`,
    session: null,
    token: record,
    member: null,
    shared: null,
    isByHeader: true,
  }
}

/** The present permissions; none when no trust rule matches any more. */
export function permissionsOfJob(record: TokenRecord, permissions: PermissionReader): Permissions {
  const decision = permissions.ofJob(record.claims ?? {})
  return 'refusal' in decision ? { ...permissions.ofAnonymous(), grants: [] } : decision
}
