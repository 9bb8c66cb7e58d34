/** Who sends a request, how that is proved and what the sender may do. identify.ts makes it; the handlers read it. */
import type { Member } from '../../domain/access/policy.ts'
import type { Proof } from '../../domain/access/proof.ts'
import type { Permissions, Person } from '../../domain/access/roles.ts'
import { runLabel } from '../../domain/access/trust/run-label.ts'
import type { TokenRecord } from './tokens/token-store.ts'

/** A credential that many people share, as in Octopod 1.6. */
export type SharedCredential = 'admin' | 'user'

export type Identity = {
  proof: Extract<Proof, 'oidc' | 'token' | 'exchange' | 'proxy' | 'shared' | 'anonymous'>
  /** The name to show. */
  name: string
  /** Null for a shared credential, a CI job and an anonymous caller. */
  person: Person | null
  email: string | null
  groups: readonly string[]
  permissions: Permissions
  /** Whose share of the limits a request counts to, and whose idempotency keys it uses. Null: the address counts. */
  key: string | null
  /** The session of the cookie that has authenticated the request. `secretId` must never be logged; `hash`: SHA-256, hex. */
  session: { secretId: string; hash: string } | null
  /** The access token that has authenticated the request. */
  token: TokenRecord | null
  /** What to decide again when the policy changes. Null: permissions do not depend on it. */
  member: Member | null
  /** A shared credential that comes with it: its rights count too. */
  shared: SharedCredential | null
  /** Whether an Authorization header has proved it, which no page of a stranger can send. */
  isByHeader: boolean
}

/** The address of the run of a CI job. */
export const linkOf = ({ token }: Pick<Identity, 'token'>): string | null =>
  token?.kind === 'exchange' ? runLabel(token.claims ?? {}).link : null

/** Who is recorded with an action: the person, or the subject of a CI job, which owns nothing. */
export function recordedPerson({ person, token }: Pick<Identity, 'person' | 'token'>): Person | null {
  if (person !== null || token?.kind !== 'exchange') return person
  return { issuer: token.issuer, subject: token.subject }
}
