/** Deletes deployments: on request without a script, and after a successful cleanup. */
import { sql } from 'slonik'
import { z } from 'zod'
import { deploymentBusy } from '../../domain/errors.ts'
import type { ChangeEvent } from '../../domain/event.ts'
import type { Database, Transaction } from '../pool.ts'
import { type AuditActor, insertAuditEntry } from './audit/insert-entry.ts'
import { lockDeployment } from './deployments.ts'
import { type BeginWrite, claimIdempotencyKey, type IdempotencyKey, requireInTime } from './idempotency.ts'

/**
 * Returns null when an earlier request with the same key did it. Throws no_such_deployment, busy,
 * idempotency_key_reused.
 */
export async function deleteDeployment(
  pool: Database,
  name: string,
  by: AuditActor,
  key: IdempotencyKey | undefined,
  begin?: BeginWrite,
): Promise<ChangeEvent | null> {
  return pool.transaction(async (transaction) => {
    const window = begin === undefined ? null : await begin()
    if (key && (await claimIdempotencyKey(transaction, key)) !== null) return null
    const { id, status } = await lockIdleDeployment(transaction, name)
    const details = { status: { before: status, after: null } }
    await insertAuditEntry(transaction, { by, operation: 'delete', deployment: name, details })
    const change = await deleteDeploymentRow(transaction, id, name)
    await requireInTime(transaction, key, window)
    return change
  })
}

/**
 * Locks the row. Throws no_such_deployment or busy. Two statements, because a statement that waits for a lock sees
 * other tables as they were before the wait; the second one sees what was committed during it.
 */
async function lockIdleDeployment(
  transaction: Transaction,
  name: string,
): Promise<{ id: number; status: string }> {
  const row = await lockDeployment(transaction, name)
  const active = await transaction.exists(sql.unsafe`
    select from actions where deployment_id = ${row.id} and state in ('queued', 'running')`)
  if (active) throw deploymentBusy(name)
  return row
}

const revisionRow = z.object({ revision: z.number() })

/**
 * Deletes the row of a deployment, however long its history is: the name is free at once, and no reader finds the
 * deployment, its actions or their output any more. The schema notes its id, and history/delete-behind.ts deletes the
 * rest.
 */
export async function deleteDeploymentRow(
  transaction: Transaction,
  deploymentId: number,
  name: string,
): Promise<ChangeEvent> {
  await transaction.query(sql.unsafe`delete from deployments where id = ${deploymentId}`)
  const revision = await transaction.oneFirst(sql.type(revisionRow)`
    select nextval('deployment_revision') as revision`)
  return { type: 'deleted', name, revision }
}
