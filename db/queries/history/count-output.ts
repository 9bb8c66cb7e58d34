/**
 * Counts the output that was written before the database counted it. Each call is one short transaction that remembers
 * its place; all runners share the work, which is done once. Called by runner/schedules/history.ts.
 */
import { sql } from 'slonik'
import { z } from 'zod'
import type { Database } from '../../pool.ts'
import { toJsonb } from '../sql-fragments.ts'
import { inExclusiveTransaction } from './delete-behind.ts'

/** The last chunk that was counted. The migration has written the limits. */
const place = z.object({
  actionId: z.number().default(0),
  seq: z.number().default(0),
  untilActionId: z.number(),
  endedBefore: z.string(),
})
const placeRow = z.object({ place })
const countedRow = z.object({
  count: z.number(),
  actionId: z.number().nullable(),
  seq: z.number().nullable(),
})

/** Counts the next `limit` chunks. Returns whether more follow: false at the end, and while another runner is at it. */
export async function countEarlierOutput(pool: Database, limit = 5000): Promise<boolean> {
  const more = await inExclusiveTransaction(pool, async (transaction) => {
    const start = await transaction.maybeOneFirst(sql.type(placeRow)`
      select place from history_sweeps where name = 'count' and next_at <= now()`)
    if (start === null) return false
    const { count, actionId, seq } = await transaction.one(sql.type(countedRow)`
      with page as (
        select action_id, seq, octet_length(text) as bytes from action_output
        where (action_id, seq) > (${start.actionId}, ${start.seq}) and action_id <= ${start.untilActionId}
        order by action_id, seq limit ${limit}
      ), counted as (
        insert into stored_outputs as stored (action_id, bytes, chunks)
        select page.action_id, sum(page.bytes), count(*) from page join actions a on a.id = page.action_id
        where a.finished_at <= (select (place ->> 'endedBefore')::timestamptz from history_sweeps where name = 'count')
        group by page.action_id
        on conflict (action_id) do update
        set bytes = stored.bytes + excluded.bytes, chunks = stored.chunks + excluded.chunks
      )
      select count(*)::int as count, max(action_id) as "actionId",
        (array_agg(seq order by action_id desc, seq desc))[1] as seq from page`)
    if (count === limit && actionId !== null && seq !== null) {
      await transaction.query(sql.unsafe`
        update history_sweeps set place = ${toJsonb({ ...start, actionId, seq })} where name = 'count'`)
      return true
    }
    await transaction.query(sql.unsafe`update history_sweeps set next_at = 'infinity' where name = 'count'`)
    return false
  })
  return more ?? false
}
