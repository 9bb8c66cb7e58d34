/** Who acts with an access token, and what it may do: never more than its owner has at this moment. Used by identify.ts. */
import type { Member } from '../../../domain/access/policy.ts'
import { limitGrant, type Permissions, type Person } from '../../../domain/access/roles.ts'
import type { Identity, SharedCredential } from '../identity.ts'
import type { PermissionReader } from '../permissions.ts'
import { proxyIssuer } from '../trusted-proxy.ts'
import type { TokenRecord } from './token-store.ts'

/** The issuers of services: of groups of the identity provider, and of groups that a trusted proxy names. */
const serviceIssuers = { oidc_service: 'octopod', proxy_service: 'octopod-proxy' } as const

/** A service of a group. With its group it is another one than a service of the same name of another group. */
export const serviceOf = (
  kind: keyof typeof serviceIssuers,
  name: string,
  ownerGroup: string,
): Member & { person: Person } => ({
  kind,
  person: { issuer: serviceIssuers[kind], subject: `${ownerGroup}/${name}` },
  groups: [ownerGroup],
})
/** The issuer of tokens that a shared credential has approved. */
export const sharedIssuer = 'shared'

export function identityOfToken(record: TokenRecord, permissions: PermissionReader): Identity {
  const { name, credential } = record
  if (credential !== null) return identityOfSharedToken(record, credential, permissions.ofShared(credential))
  const member = memberOf(record)
  const { issuer, subject } = member.person
  return {
    proof: 'token',
    name,
    person: member.person,
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

function memberOf({ kind, issuer, subject, ownerGroup, groups }: TokenRecord): Member {
  const person = { issuer, subject }
  if (kind === 'service' && ownerGroup !== null)
    return {
      kind: issuer === serviceIssuers.proxy_service ? 'proxy_service' : 'oidc_service',
      person,
      groups: [ownerGroup],
    }
  return { kind: issuer === proxyIssuer ? 'proxy' : 'oidc', person, groups }
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

/** What the caller may do without its token. Null: nobody knows, as for services and CI jobs, behind which are many people. */
export function permissionsWithoutToken(
  { token, member, permissions }: Pick<Identity, 'token' | 'member' | 'permissions'>,
  reader: PermissionReader,
): Permissions | null {
  if (token === null) return permissions
  if (token.kind !== 'personal') return null
  if (token.credential !== null) return reader.ofShared(token.credential)
  return member === null ? null : reader.ofMember(member, null)
}

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
