/** Which permissions an identity has, by the policy and the settings. Used by identify.ts. */
import { grantsOf, type Member } from '../../domain/access/policy.ts'
import type { Grant, Permissions, Person, Role } from '../../domain/access/roles.ts'
import type { Claims } from '../../domain/access/trust/claims.ts'
import { decideTrust } from '../../domain/access/trust/decide-trust.ts'
import type { ServerSettings } from '../../domain/settings.ts'
import type { SharedCredential } from './identity.ts'
import type { PolicySource } from './policy/policy-source.ts'

export type PermissionReader = {
  /** What ofMember goes by: another object after a change. */
  policy(): unknown
  ofMember(member: Member, shared: SharedCredential | null): Permissions
  /** By the claims of the ID token of a CI job. A job owns nothing. */
  ofJob(claims: Claims): Permissions | { refusal: string }
  ofShared(credential: SharedCredential): Permissions
  ofAnonymous(): Permissions
}

type PermissionSettings = Pick<
  ServerSettings,
  'USER_ROLE' | 'ANONYMOUS_ROLE' | 'SIGNED_IN_ROLE' | 'OUTPUT_READERS' | 'OWNERSHIP'
>

/** `defaultOwnership`: what the database says where OWNERSHIP is not set. */
export function createPermissionReader(
  settings: PermissionSettings,
  policy: PolicySource,
  defaultOwnership: boolean,
): PermissionReader {
  const outputReaders = settings.OUTPUT_READERS
  const forAll = (role: Role, rule: string): Grant => ({ role, names: ['*'], rule })
  const adminGrant = forAll('admin', 'POWER_AUTHORIZATION_HEADER')
  const unowned = (grants: readonly Grant[]): Permissions => ({
    grants,
    person: null,
    respectsOwners: false,
    outputReaders,
  })
  const ofShared = {
    admin: unowned([adminGrant]),
    user: unowned([forAll(settings.USER_ROLE, 'APP_AUTHORIZATION_HEADER (USER_ROLE)')]),
  }
  const { ANONYMOUS_ROLE = 'none', SIGNED_IN_ROLE } = settings
  const anonymous = unowned(ANONYMOUS_ROLE === 'none' ? [] : [forAll(ANONYMOUS_ROLE, 'ANONYMOUS_ROLE')])
  const signedIn = SIGNED_IN_ROLE === 'none' ? [] : [forAll(SIGNED_IN_ROLE, 'SIGNED_IN_ROLE')]
  const respectsOwners = settings.OWNERSHIP ?? defaultOwnership
  const ofPerson = (person: Person, grants: readonly Grant[]): Permissions => ({
    grants,
    person,
    respectsOwners,
    outputReaders,
  })
  return {
    policy: () => policy.current(),
    ofMember(member, shared) {
      const current = policy.current()
      const own = current === null ? signedIn : grantsOf(current, member)
      return ofPerson(member.person, shared === 'admin' ? [adminGrant, ...own] : own)
    },
    ofJob(claims) {
      const decision = decideTrust(policy.current()?.trust ?? [], claims)
      if ('refusal' in decision) return decision
      return { grants: [decision.grant], person: null, respectsOwners, outputReaders }
    },
    ofShared: (credential) => ofShared[credential],
    ofAnonymous: () => anonymous,
  }
}

/** A grant as answers have it. */
export const toWireGrant = ({ within, ...grant }: Grant) => ({
  ...grant,
  names: [...grant.names],
  ...(within === undefined ? {} : { within: [...within] }),
})
