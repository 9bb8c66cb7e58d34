/** What all servers of an installation share: whether owners are respected, the accepted policy, and the key of references to secrets. */
import { sql } from 'slonik'
import { z } from 'zod'
import type { AuditDetails } from '../../../domain/audit/operations.ts'
import type { Database } from '../../pool.ts'
import { auditEntryCall, systemActor } from '../audit/insert-entry.ts'

const installationRow = z.object({ respectsOwners: z.boolean(), policy: z.string().nullable() })
const referenceKeyRow = z.object({ key: z.string() })
export type Installation = z.output<typeof installationRow>

export async function readInstallation(pool: Database): Promise<Installation> {
  return pool.one(sql.type(installationRow)`
    select respects_owners as "respectsOwners", policy from installation`)
}

export async function readReferenceKey(pool: Database): Promise<Buffer> {
  const key = await pool.oneFirst(sql.type(referenceKeyRow)`
    select encode(reference_key, 'hex') as key from installation`)
  return Buffer.from(key, 'hex')
}

/** Of several servers that accept the same text, one writes the entry of the audit log. */
export async function savePolicy(pool: Database, policy: string, details: AuditDetails): Promise<void> {
  await pool.query(sql.unsafe`
    with saved as (
      update installation set policy = ${policy} where policy is distinct from ${policy}
      returning policy)
    select ${auditEntryCall({ by: systemActor, operation: 'accept_policy', details })} from saved`)
}
