/** The chain of the audit log: seals entries, and removes old ones. Called by runner/schedules/audit-log.ts and the metrics. */
import { sql } from 'slonik'
import { z } from 'zod'
import type { Database } from '../../pool.ts'
import { isPaused } from '../pauses/pauses.ts'
import { toInterval } from '../sql-fragments.ts'

const sealRow = z.object({ seal: z.number(), hash: z.string(), entries: z.number() })
export type AuditHead = { seal: number; hash: string }

/** Seals up to `limit` committed entries. Null: there are none, or another runner is at it. */
export async function sealEntries(pool: Database, limit: number): Promise<z.output<typeof sealRow> | null> {
  return pool.maybeOne(sql.type(sealRow)`
    select seal_id as seal, encode(seal_hash, 'hex') as hash, entries from seal_audit_entries(${limit}) where seal_id is not null`)
}

const createdRow = z.object({ created: z.number() })

/** The partitions of the next months. */
export async function createAuditPartitions(pool: Database): Promise<number> {
  return pool.oneFirst(sql.type(createdRow)`select create_audit_partitions() as created`)
}

const removedRow = z.object({ removed: z.string().nullable() })

/** Removes one month of entries that are older than `retentionMs`. Returns its partition; null: there is none. */
export async function removeOldEntries(pool: Database, retentionMs: number): Promise<string | null> {
  return pool.oneFirst(sql.type(removedRow)`
    select case when not ${isPaused('retention')} then remove_old_audit_entries(${toInterval(retentionMs)}) end as removed`)
}

/** Only the current hour is compared. Returns whether more may follow. */
export async function deleteOldOutputReads(pool: Database, limit = 5000): Promise<boolean> {
  const deleted = await pool.query(sql.unsafe`
    delete from audit_output_reads where (reader, action_id, hour) in (
      select reader, action_id, hour from audit_output_reads where hour < now() - interval '2 hours' limit ${limit})`)
  return deleted.rowCount === limit
}

const stateRow = z.object({
  seal: z.number(),
  unsealed: z.number(),
  oldestUnsealedSeconds: z.number(),
})
/** `seal`: the number of the last one; 0 without one. */
export type AuditState = z.output<typeof stateRow>

export async function readAuditState(pool: Database): Promise<AuditState> {
  return pool.one(sql.type(stateRow)`
    select coalesce((select id from audit_seals order by id desc limit 1), 0) as seal,
      count(*)::int as unsealed,
      greatest(coalesce(extract(epoch from clock_timestamp() - min(at)), 0), 0)::float8 as "oldestUnsealedSeconds"
    from audit_unsealed`)
}
