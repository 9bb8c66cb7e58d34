/** Owners of deployments. Called by functions/deployments and functions/actions. */
import { sql } from 'slonik'
import { z } from 'zod'
import type { Person, Target } from '../../../domain/access/roles.ts'
import type { ChangeEvent } from '../../../domain/event.ts'
import type { Database } from '../../pool.ts'
import { type AuditActor, insertAuditEntry } from '../audit/insert-entry.ts'
import { lockDeployment, ownerOf, ownerRow, readChangeEvent } from '../deployments.ts'
import { type BeginWrite, claimIdempotencyKey, type IdempotencyKey, requireInTime } from '../idempotency.ts'

type NewOwner = (Person & { name: string }) | null

/**
 * Returns null when an earlier request with the same key did it. Throws no_such_deployment, idempotency_key_reused and what
 * `requireRight` throws.
 */
export async function setOwner(
  pool: Database,
  name: string,
  owner: NewOwner,
  by: AuditActor,
  requireRight: (deployment: Target) => void,
  key: IdempotencyKey | undefined,
  begin: BeginWrite,
): Promise<ChangeEvent | null> {
  return pool.transaction(async (transaction) => {
    const window = await begin()
    if (key && (await claimIdempotencyKey(transaction, key)) !== null) return null
    const locked = await lockDeployment(transaction, name)
    requireRight({ name, owner: locked.owner })
    await requireInTime(transaction, key, window)
    await transaction.query(sql.unsafe`
      update deployments set owner_issuer = ${owner?.issuer ?? null}, owner_subject = ${owner?.subject ?? null},
        owner_name = ${owner?.name ?? null}, updated_at = now(), revision = default
      where id = ${locked.id}`)
    const details = { owner: { before: toText(locked.owner), after: toText(owner) } }
    await insertAuditEntry(transaction, { by, operation: 'change_owner', deployment: name, details })
    return readChangeEvent(transaction, locked.id)
  })
}

/** A name may change; issuer and subject stay. */
const toText = (owner: NewOwner) =>
  owner === null ? null : `${owner.name} (${owner.subject} of ${owner.issuer})`

const targetRow = z.object({ name: z.string(), owner: ownerRow })

/** The deployment of an action, for a decision about it. Null for an unknown action. */
export async function findActionTarget(pool: Database, actionId: number): Promise<Target | null> {
  return pool.maybeOne(sql.type(targetRow)`
    select d.name, ${ownerOf} from actions a join deployments d on d.id = a.deployment_id where a.id = ${actionId}`)
}
