/** Finds archived deployments to clean up. Called by runner/schedules. */
import { sql } from 'slonik'
import { z } from 'zod'
import type { Database } from '../pool.ts'
import { isInRetention, toInterval } from './sql-fragments.ts'

const nameRow = z.object({ name: z.string() })

/** Names of idle deployments that were archived longer than `retentionMs` ago, the oldest first. */
export async function findExpiredArchives(
  pool: Database,
  retentionMs: number,
  limit: number,
): Promise<string[]> {
  const rows = await pool.any(sql.type(nameRow)`
    select name from deployments d
    where ${isInRetention} and archived_at <= now() - ${toInterval(retentionMs)}
      and not exists (select from actions a where a.deployment_id = d.id and a.state in ('queued', 'running'))
    order by archived_at limit ${limit}`)
  return rows.map((row) => row.name)
}
