/**
 * Writes an entry of the audit log, in the transaction of what it is about. Called by the queries that change something, and by
 * functions/audit.
 */
import { type FragmentSqlToken, sql } from 'slonik'
import { z } from 'zod'
import type { Proof } from '../../../domain/access/proof.ts'
import type { Person } from '../../../domain/access/roles.ts'
import type { AuditDetails, AuditOperation, AuditOutcome } from '../../../domain/audit/operations.ts'
import type { Database, Transaction } from '../../pool.ts'

/** Who does something, and from where. `actor`: the name to show. `claimedActor`: what the client says, without proof. */
export type AuditActor = {
  actor: string
  person: Person | null
  proof: Proof
  claimedActor: string | null
  source: string | null
  reason: string | null
  /** Null: not known, as for Octopod itself. */
  address: string | null
  requestId: string | null
}

/** For places with one name only, such as who has cancelled an action. */
export const describeActor = ({ actor, claimedActor }: Pick<AuditActor, 'actor' | 'claimedActor'>): string =>
  claimedActor === null ? actor : `${claimedActor} (name not proved)`

/** Octopod itself. */
export const systemActor = {
  actor: 'octopod',
  person: null,
  proof: 'system',
  claimedActor: null,
  source: null,
  reason: null,
  address: null,
  requestId: null,
} as const satisfies AuditActor

export type NewAuditEntry = {
  by: AuditActor
  operation: AuditOperation
  /** Default: accepted. */
  outcome?: AuditOutcome
  /** Its name. */
  deployment?: string | null
  actionId?: number | null
  /** How many equal events the entry stands for. */
  count?: number
  /** Must not contain secrets, because entries cannot be changed. */
  details?: AuditDetails
}

const idRow = z.object({ id: z.number() })

/** Returns the id of the entry. */
export async function insertAuditEntry(
  transaction: Transaction | Database,
  entry: NewAuditEntry,
): Promise<number> {
  return transaction.oneFirst(sql.type(idRow)`select ${auditEntryCall(entry)} as id`)
}

/**
 * The same as an expression, for a statement that changes something by itself. `more`: details from the rows of the statement, as
 * jsonb. `name`: the deployment, from them.
 */
export function auditEntryCall(
  {
    by,
    operation,
    outcome = 'accepted',
    deployment = null,
    actionId = null,
    count = 1,
    details = {},
  }: NewAuditEntry,
  more: FragmentSqlToken = sql.fragment`'{}'::jsonb`,
  name: FragmentSqlToken = sql.fragment`${deployment}::text`,
): FragmentSqlToken {
  return sql.fragment`insert_audit_entry(${operation}, ${outcome}, ${by.actor}, ${by.person?.issuer ?? null},
    ${by.person?.subject ?? null}, ${by.proof}, ${by.claimedActor}, ${by.source}, ${by.reason}, ${by.address}, ${by.requestId},
    ${name}, ${actionId}, ${count}, (${JSON.stringify(details)}::jsonb || ${more})::json)`
}
