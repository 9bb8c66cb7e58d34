/** Who acts with an access token, and what it may do: never more than its owner has at this moment. Used by identify.ts. */
import type { Member } from '../../../domain/access/policy.ts'
import { limitGrant, type Permissions } from '../../../domain/access/roles.ts'
import type { Identity } from '../identity.ts'
import type { PermissionReader } from '../permissions.ts'
import { proxyIssuer } from '../trusted-proxy.ts'
import type { TokenRecord } from './token-store.ts'

/** The issuer of services. */
export const serviceIssuer = 'octopod'

export function identityOfToken(record: TokenRecord, permissions: PermissionReader): Identity {
  const { kind, issuer, subject, name, ownerGroup, groups } = record
  const person = { issuer, subject }
  const member: Member = {
    kind: issuer === proxyIssuer ? 'proxy' : 'oidc',
    person,
    groups: kind === 'service' && ownerGroup !== null ? [ownerGroup] : groups,
  }
  return {
    proof: 'token',
    name,
    person,
    email: null,
    groups: member.groups,
    permissions: permissionsOfToken(record, member, permissions),
    key: `${issuer} ${subject}`,
    session: null,
    token: record,
    member,
    shared: null,
    isByHeader: true,
  }
}

export function permissionsOfToken(
  { role, names }: Pick<TokenRecord, 'role' | 'names'>,
  member: Member,
  permissions: PermissionReader,
): Permissions {
  const all = permissions.ofMember(member, null)
  return { ...all, grants: all.grants.map((grant) => limitGrant(grant, role, names)) }
}
