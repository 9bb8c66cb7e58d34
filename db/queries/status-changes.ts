/** The status changes that wait for the notifications script. Called by runner/notifications. */
import { sql } from 'slonik'
import { z } from 'zod'
import { notifiedFailure } from '../../domain/failures/failure-schemas.ts'
import type { Database } from '../pool.ts'

const statusChangeRow = z.object({
  deployment: z.string(),
  old_status: z.string(),
  new_status: z.string(),
  failure: notifiedFailure.nullable().catch(null),
})
/** `failure`: what failed when the status changed, if anything did. */
export type StatusChange = z.infer<typeof statusChangeRow>

/** Deletes and returns the oldest status changes. Each goes to one runner, once. */
export async function takeStatusChanges(pool: Database, limit: number): Promise<readonly StatusChange[]> {
  return pool.any(sql.type(statusChangeRow)`
    with deleted as (
      delete from status_changes
      where id = any(array(select id from status_changes order by id limit ${limit} for update skip locked))
      returning id, deployment, old_status, new_status, failure)
    select deployment, old_status, new_status, failure from deleted order by id`)
}

/** So many status changes may wait for a slow notifications script. */
const maxWaiting = 10_000

/**
 * Deletes the oldest status changes while more than `limit` wait, at most `batchSize` at once. Returns how many. Their
 * numbers count them, because counting rows would read them all.
 */
export async function dropOldestStatusChanges(
  pool: Database,
  limit = maxWaiting,
  batchSize = 5000,
): Promise<number> {
  const dropped = await pool.query(sql.unsafe`
    delete from status_changes where id = any(array(
      select id from status_changes where id <= (select max(id) from status_changes) - ${limit}
      order by id limit ${batchSize} for update skip locked))`)
  return dropped.rowCount
}
