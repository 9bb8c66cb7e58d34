/** Requests already answered: the same Idempotency-Key acts once, also after a connection lost during COMMIT. */
import { sql } from 'slonik'
import { z } from 'zod'
import { Refusal } from '../domain/errors.ts'
import type { Database, Transaction } from './pool.ts'

/** `fingerprint`: a digest of method, path and body; the same key with another one is a mistake. */
export type IdempotencyKey = { key: string; fingerprint: string }

const row = z.object({ fingerprint: z.string(), action_id: z.number().nullable() })

/**
 * Takes the key, inside the transaction that acts. Null: it was free, act. Otherwise what it did the first time.
 * A concurrent request with the same key waits here until the first has committed or failed.
 */
export async function claimKey(
  transaction: Transaction,
  { key, fingerprint }: IdempotencyKey,
): Promise<{ actionId: number | null } | null> {
  const taken = await transaction.query(sql.unsafe`
    insert into idempotency_keys (key, fingerprint) values (${key}, ${fingerprint}) on conflict do nothing`)
  if (taken.rowCount === 1) return null
  const before = await transaction.one(sql.type(row)`
    select fingerprint, action_id from idempotency_keys where key = ${key}`)
  return replayed(before, fingerprint)
}

/** What a key did before, without taking it; null when it is new. */
export async function recallKey(
  pool: Database,
  { key, fingerprint }: IdempotencyKey,
): Promise<{ actionId: number | null } | null> {
  const before = await pool.maybeOne(sql.type(row)`
    select fingerprint, action_id from idempotency_keys where key = ${key}`)
  return before === null ? null : replayed(before, fingerprint)
}

export const keyReused = () =>
  new Refusal('key_reused', 'This Idempotency-Key was used for a different request.')

function replayed(before: z.infer<typeof row>, fingerprint: string): { actionId: number | null } {
  if (before.fingerprint !== fingerprint) {
    throw keyReused()
  }
  return { actionId: before.action_id }
}

/** Keys are kept for a day. So many at once are deleted well within the time of one statement. */
export async function forgetOldKeys(pool: Database, atOnce = 5000): Promise<void> {
  for (let forgotten = atOnce; forgotten === atOnce; ) {
    const batch = await pool.query(sql.unsafe`
      delete from idempotency_keys where key = any(array(
        select key from idempotency_keys where created_at < now() - interval '1 day' limit ${atOnce}))`)
    forgotten = batch.rowCount
  }
}
