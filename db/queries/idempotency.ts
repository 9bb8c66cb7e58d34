/**
 * Idempotency keys: requests with the same Idempotency-Key act once, also when the connection breaks during COMMIT.
 * Action keys are inserted by the SQL function enqueue_action.
 */
import { sql } from 'slonik'
import { z } from 'zod'
import { idempotencyKeyReused } from '../../domain/errors.ts'
import type { Database, Transaction } from '../pool.ts'

/** `fingerprint` is a digest of method, path and body. The same key with another fingerprint is refused. */
export type IdempotencyKey = { key: string; fingerprint: string }

const keyRow = z.object({ fingerprint: z.string(), action_id: z.number().nullable() })

/**
 * Inserts the key in the transaction that does the work. Returns null for a new key, else the result of the first
 * request. A concurrent request with the same key waits here until the first one has committed or failed.
 */
export async function claimIdempotencyKey(
  transaction: Transaction,
  { key, fingerprint }: IdempotencyKey,
): Promise<{ actionId: number | null } | null> {
  const inserted = await transaction.query(sql.unsafe`
    insert into idempotency_keys (key, fingerprint) values (${key}, ${fingerprint}) on conflict do nothing`)
  if (inserted.rowCount === 1) return null
  const stored = await transaction.one(sql.type(keyRow)`
    select fingerprint, action_id from idempotency_keys where key = ${key}`)
  return toReplay(stored, fingerprint)
}

/** The result of the first request with this key; null for a new key. Inserts nothing. */
export async function findIdempotencyKey(
  pool: Database,
  { key, fingerprint }: IdempotencyKey,
): Promise<{ actionId: number | null } | null> {
  const stored = await pool.maybeOne(sql.type(keyRow)`
    select fingerprint, action_id from idempotency_keys where key = ${key}`)
  return stored === null ? null : toReplay(stored, fingerprint)
}

function toReplay(stored: z.infer<typeof keyRow>, fingerprint: string): { actionId: number | null } {
  if (stored.fingerprint !== fingerprint) {
    throw idempotencyKeyReused()
  }
  return { actionId: stored.action_id }
}

const deletedKeysRow = z.object({ count: z.number(), lastCreatedAt: z.number().nullable() })

/** Deletes keys older than a day, in batches that fit into the time limit of one statement. */
export async function deleteOldKeys(pool: Database, batchSize = 5000): Promise<void> {
  // Each batch starts where the last one ended: an open snapshot keeps the entries of deleted keys in the index.
  let createdAfter = 0
  for (;;) {
    const { count, lastCreatedAt } = await pool.one(sql.type(deletedKeysRow)`
      with deleted as (
        delete from idempotency_keys where key = any(array(
          select key from idempotency_keys
          where created_at >= to_timestamp(${createdAfter}::float8) and created_at < now() - interval '1 day'
          order by created_at limit ${batchSize}))
        returning created_at)
      select count(*)::int as count, extract(epoch from max(created_at))::float8 as "lastCreatedAt" from deleted`)
    if (count < batchSize || lastCreatedAt === null) return
    // A millisecond earlier, because a float is not exact.
    createdAfter = lastCreatedAt - 0.001
  }
}
