/**
 * The claims of an ID token as trust rules read them: as text, and with a few that follow from others. The issuer has signed them,
 * but a person may have chosen their content, such as the name of a branch.
 */

export type Claims = Readonly<Record<string, unknown>>

/** GitHub, GitLab and Kubernetes are known by the claims that only they send. */
export type ClaimsOf = 'github' | 'gitlab' | 'kubernetes' | 'other'

export function systemOf(claims: Claims): ClaimsOf {
  const has = (...names: string[]) => names.every((name) => ownText(claims, name) !== null)
  if (has('repository', 'repository_id', 'event_name', 'run_id')) return 'github'
  if (has('project_id', 'project_path', 'job_id', 'pipeline_source')) return 'gitlab'
  return has('sub') && serviceAccount.test(ownText(claims, 'sub') ?? '') ? 'kubernetes' : 'other'
}

/** All values of a claim as texts; empty for a missing claim and for one that is no text, number or boolean. */
export function claimTexts(claims: Claims, name: string): string[] {
  const value = Object.hasOwn(claims, name) ? claims[name] : derive(claims, name)
  return (Array.isArray(value) ? value : [value]).flatMap((one) => toText(one) ?? [])
}

/** Null for a missing claim and for a list, whose values a name could not tell apart. */
export function claimText(claims: Claims, name: string): string | null {
  const value = Object.hasOwn(claims, name) ? claims[name] : derive(claims, name)
  return toText(value)
}

function toText(value: unknown): string | null {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return String(value)
  // A larger number is not the one that was sent.
  return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : null
}

const ownText = (claims: Claims, name: string) => (Object.hasOwn(claims, name) ? toText(claims[name]) : null)

/** Claims that a token of this system does not have itself. docs/policy.md lists them. */
export const derivedClaims = ['pull_request', 'ref_slug', 'namespace', 'service_account'] as const

const serviceAccount = /^system:serviceaccount:([^:]+):([^:]+)$/

function derive(claims: Claims, name: string): string | null {
  const system = systemOf(claims)
  const ref = ownText(claims, 'ref') ?? ''
  if (name === 'pull_request' && system === 'github') {
    // Other events run in the context of another branch, also for a pull request of a fork.
    const [, number] = /^refs\/pull\/([1-9]\d{0,9})\/merge$/.exec(ref) ?? []
    return number ?? null
  }
  if (name === 'ref_slug') {
    if (system === 'gitlab') return slug(ref)
    return system === 'github' && ref.startsWith('refs/heads/') ? slug(ref.slice('refs/heads/'.length)) : null
  }
  if (system !== 'kubernetes') return null
  const [, namespace, account] = serviceAccount.exec(ownText(claims, 'sub') ?? '') ?? []
  return name === 'namespace' ? (namespace ?? null) : name === 'service_account' ? (account ?? null) : null
}

/** The same as CI_COMMIT_REF_SLUG of GitLab. */
const slug = (ref: string): string =>
  ref
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '-')
    .slice(0, 63)
    .replace(/^-+|-+$/g, '')
