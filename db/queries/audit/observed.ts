/** Entries about what changes nothing: refused requests of unknown callers, and reads of output. Called by functions/audit. */
import { sql } from 'slonik'
import type { Database } from '../../pool.ts'
import { type AuditActor, auditEntryCall } from './insert-entry.ts'

/** One entry for each address, with the number of its requests since that time. */
export async function insertUnidentified(
  pool: Database,
  counts: readonly (readonly [address: string, count: number])[],
  since: Date,
): Promise<void> {
  await pool.query(sql.unsafe`
    select insert_audit_entry('authenticate', 'refused', 'unknown', null, null, 'anonymous', null, null, null, address, null, null,
      null, count, json_build_object('since', ${since.toISOString()}::text))
    from ${sql.unnest(
      counts.map(([address, count]) => [address, count]),
      ['text', 'int4'],
    )} as counted (address, count)`)
}

/** One entry for each reader, action and hour. Does nothing for an action that is gone. */
export async function recordOutputRead(
  pool: Database,
  by: AuditActor,
  reader: string,
  actionId: number,
): Promise<void> {
  const entry = auditEntryCall({ by, operation: 'read_output', actionId }, undefined, sql.fragment`name`)
  await pool.query(sql.unsafe`
    with read as (
      insert into audit_output_reads (reader, action_id, hour)
      select ${reader}, a.id, date_trunc('hour', now() at time zone 'utc') at time zone 'utc' from actions a where a.id = ${actionId}
      on conflict do nothing
      returning action_id)
    select ${entry} from read join actions a on a.id = read.action_id join deployments d on d.id = a.deployment_id`)
}
