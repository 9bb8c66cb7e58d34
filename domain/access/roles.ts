/**
 * Roles and rights: who may do what with which deployment. A caller has grants; each gives a role for the names that
 * its patterns match, and all matching grants count together. Used by the server, the page and octo. Free of zod: the page
 * loads it.
 */

export const roles = ['viewer', 'developer', 'operator', 'admin'] as const
export type Role = (typeof roles)[number]

/** With which deployments a role has a right. `own_or_unowned`: those of the caller and those without an owner. */
export type Scope = 'none' | 'own' | 'own_or_unowned' | 'all'

type RightRow = {
  /** Completes the sentence "You may not …". */
  label: string
  scopes: Record<Role, Scope>
}

const everybody = { viewer: 'all', developer: 'all', operator: 'all', admin: 'all' } as const
const change = { viewer: 'none', developer: 'own_or_unowned', operator: 'all', admin: 'all' } as const
const ownOnly = { viewer: 'none', developer: 'own', operator: 'all', admin: 'all' } as const
const adminOnly = { viewer: 'none', developer: 'none', operator: 'none', admin: 'all' } as const

export const rights = {
  read: { label: 'read this', scopes: everybody },
  // OUTPUT_READERS may ask for more.
  read_output: {
    label: 'read the output of actions',
    scopes: { viewer: 'none', developer: 'all', operator: 'all', admin: 'all' },
  },
  create: {
    label: 'create deployments',
    scopes: { viewer: 'none', developer: 'all', operator: 'all', admin: 'all' },
  },
  update: { label: 'update this deployment', scopes: change },
  archive: { label: 'archive this deployment', scopes: change },
  restore: { label: 'restore this deployment', scopes: change },
  cancel: { label: 'cancel this action', scopes: change },
  stop_waiting: { label: 'end the wait of this deployment', scopes: change },
  label: { label: 'change the labels of this deployment', scopes: change },
  cleanup: { label: 'clean up this deployment', scopes: ownOnly },
  change_owner: { label: 'change the owner of this deployment', scopes: ownOnly },
  pause: {
    label: 'pause checks, retention or notifications',
    scopes: { viewer: 'none', developer: 'none', operator: 'all', admin: 'all' },
  },
  delete: { label: 'delete the record of this deployment', scopes: adminOnly },
  see_secrets: { label: 'see the values of secret keys', scopes: adminOnly },
  read_policy: { label: 'read the policy', scopes: adminOnly },
  read_access_log: { label: 'read the audit log of sign-ins, tokens and addresses', scopes: adminOnly },
  manage_tokens: { label: 'manage the access tokens of other people', scopes: adminOnly },
  manage_webhooks: { label: 'see and repeat deliveries of webhooks', scopes: adminOnly },
  diagnose: { label: 'see what the doctor finds', scopes: adminOnly },
  manage_sessions: { label: 'end the sessions of other people', scopes: adminOnly },
} as const satisfies Record<string, RightRow>

export type Right = keyof typeof rights
export const allRights = Object.keys(rights) as Right[]

/** A person or a service, as an identity provider or a trusted proxy names it. */
export type Person = { issuer: string; subject: string }

export type Grant = {
  role: Role
  /** Patterns of deployment names; `*` stands for any number of characters. */
  names: readonly string[]
  /** The name must match one of these too: those of an access token, which gives no more than its owner has. */
  within?: readonly string[] | undefined
  /** What gave the role, for people: a rule of the policy file or a setting. */
  rule: string
}

export type Permissions = {
  grants: readonly Grant[]
  /** Null: nobody is known, so the caller owns nothing. */
  person: Person | null
  /**
   * Whether deployments with an owner are closed to other developers. False with OWNERSHIP=off, for a shared credential
   * and for an anonymous caller, as in Octopod 1.6.
   */
  respectsOwners: boolean
  /** The lowest role that may read output (OUTPUT_READERS). */
  outputReaders: Role
}

/** What a decision is about. `owner` is null for a deployment without one. */
export type Target = { name: string; owner: Person | null }

export type Decision =
  | { isAllowed: true; grant: Grant }
  /** `roles`: those that would be enough. */
  | { isAllowed: false; reason: 'no_role' | 'role' | 'names' | 'owner'; roles: readonly Role[] }

/**
 * Without a target: whether the caller has the right for any name. A target without `owner` is decided by its name alone,
 * for a caller that does not know the owner yet.
 */
export function decide(
  permissions: Permissions,
  right: Right,
  target?: { name: string; owner?: Person | null },
): Decision {
  const { grants } = permissions
  const matching = target === undefined ? grants : grants.filter((grant) => isForName(grant, target.name))
  let best: { scope: Scope; grant: Grant } | null = null
  for (const grant of matching) {
    const scope = scopeOf(permissions, right, grant.role)
    if (best === null || scopeRank[scope] > scopeRank[best.scope]) best = { scope, grant }
  }
  const roles = rolesWith(permissions, right)
  if (best === null) return { isAllowed: false, reason: grants.length === 0 ? 'no_role' : 'names', roles }
  if (best.scope === 'none') return { isAllowed: false, reason: 'role', roles }
  if (target?.owner !== undefined && !isInScope(best.scope, permissions.person, target.owner))
    return { isAllowed: false, reason: 'owner', roles: rolesWith(permissions, right, 'all') }
  return { isAllowed: true, grant: best.grant }
}

/** The scope in which the caller has a right for a name; `none` without it. The database compares the owner again. */
export function scopeFor(permissions: Permissions, right: Right, name: string): Scope {
  let best: Scope = 'none'
  for (const grant of permissions.grants) {
    if (!isForName(grant, name)) continue
    const scope = scopeOf(permissions, right, grant.role)
    if (scopeRank[scope] > scopeRank[best]) best = scope
  }
  return best
}

const scopeRank: Record<Scope, number> = { none: 0, own: 1, own_or_unowned: 2, all: 3 }

function scopeOf({ person, respectsOwners, outputReaders }: Permissions, right: Right, role: Role): Scope {
  if (right === 'read_output' && roles.indexOf(role) < roles.indexOf(outputReaders)) return 'none'
  const scope: Scope = rights[right].scopes[role]
  // Nobody owns nothing.
  if (scope === 'own' && person === null) return 'none'
  return scope === 'own_or_unowned' && !respectsOwners ? 'all' : scope
}

const rolesWith = (permissions: Permissions, right: Right, atLeast: Scope = 'own') =>
  roles.filter((role) => scopeRank[scopeOf(permissions, right, role)] >= scopeRank[atLeast])

function isInScope(scope: Scope, person: Person | null, owner: Person | null): boolean {
  if (scope === 'all') return true
  if (owner === null) return scope === 'own_or_unowned'
  return person !== null && person.issuer === owner.issuer && person.subject === owner.subject
}

/** The highest role of the grants, for any name; null without a grant. */
export function highestRole(grants: readonly Grant[]): Role | null {
  return roles.findLast((role) => grants.some((grant) => grant.role === role)) ?? null
}

export const isForName = ({ names, within }: Pick<Grant, 'names' | 'within'>, name: string): boolean =>
  matchesAny(names, name) && (within === undefined || matchesAny(within, name))

export const lowerRole = (one: Role, other: Role): Role =>
  roles.indexOf(one) < roles.indexOf(other) ? one : other

/** Whether the caller sees all deployments. */
export const seesAllNames = (grants: readonly Grant[]): boolean =>
  grants.some(({ names, within = ['*'] }) => names.includes('*') && within.includes('*'))

/** Whether the caller has the right for all names, as what concerns all deployments needs. */
export const mayForAllNames = (permissions: Permissions, right: Right): boolean =>
  seesAllNames(
    permissions.grants.filter((grant) => decide({ ...permissions, grants: [grant] }, right).isAllowed),
  )

/** Identifies the names that a caller sees: callers with the same text see the same deployments. */
export function visibleNames(grants: readonly Grant[]): string {
  const parts = grants.map(({ names, within = [] }) => `${[...names].sort()} ${[...within].sort()}`)
  return [...new Set(parts)].sort().join(';')
}

/** What is left of a grant for a token with a lower role or fewer names. */
export function limitGrant(grant: Grant, role: Role, names: readonly string[]): Grant {
  return { ...grant, role: lowerRole(role, grant.role), ...(names.includes('*') ? {} : { within: names }) }
}

export const namePattern = /^[a-z0-9*-]{1,64}$/

export const matchesAny = (patterns: readonly string[], name: string): boolean =>
  patterns.some((pattern) => pattern === '*' || matches(pattern, name))

/** Linear in the length of the name for each part: no pattern makes it slow. */
function matches(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return pattern === name
  if (!name.startsWith(first)) return false
  let at = first.length
  for (const part of rest) {
    const found = name.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return name.length - last.length >= at && name.endsWith(last)
}
