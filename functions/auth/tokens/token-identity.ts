/** Who acts with an access token, and what it may do: never more than its owner has at this moment. Used by identify.ts. */
import type { Member } from '../../../domain/access/policy.ts'
import { limitGrant, type Permissions } from '../../../domain/access/roles.ts'
import type { Identity, SharedCredential } from '../identity.ts'
import type { PermissionReader } from '../permissions.ts'
import { proxyIssuer } from '../trusted-proxy.ts'
import type { TokenRecord } from './token-store.ts'

/** The issuer of services. */
export const serviceIssuer = 'octopod'
/** The issuer of tokens that a shared credential has approved. */
export const sharedIssuer = 'shared'

export function identityOfToken(record: TokenRecord, permissions: PermissionReader): Identity {
  const { kind, issuer, subject, name, ownerGroup, groups, credential } = record
  if (credential !== null) return identityOfSharedToken(record, credential, permissions.ofShared(credential))
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

/** Nobody is known, so the token can do what its credential can, and owns nothing. */
const identityOfSharedToken = (
  record: TokenRecord,
  credential: SharedCredential,
  permissions: Permissions,
): Identity => ({
  proof: 'token',
  name: credential,
  person: null,
  email: null,
  groups: [],
  permissions: limitPermissions(permissions, record),
  key: credential,
  session: null,
  token: record,
  member: null,
  shared: credential,
  isByHeader: true,
})

type Limits = Pick<TokenRecord, 'role' | 'names'>

export const permissionsOfToken = (
  limits: Limits,
  member: Member,
  permissions: PermissionReader,
): Permissions => limitPermissions(permissions.ofMember(member, null), limits)

const limitPermissions = (all: Permissions, { role, names }: Limits): Permissions => ({
  ...all,
  grants: all.grants.map((grant) => limitGrant(grant, role, names)),
})
