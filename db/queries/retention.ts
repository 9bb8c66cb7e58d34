/** Finds archived deployments to clean up, and how much work waits already. Called by runner/schedules. */
import { sql } from 'slonik'
import { z } from 'zod'
import { automaticSource } from '../../domain/actions.ts'
import type { Database } from '../pool.ts'
import { isPaused } from './pauses/pauses.ts'
import { hasNoActiveAction, isInRetention, toInterval } from './sql-fragments.ts'

const nameRow = z.object({ name: z.string() })

/** Names of idle deployments that were archived longer than `retentionMs` ago, the oldest first. */
export async function findExpiredArchives(
  pool: Database,
  retentionMs: number,
  limit: number,
): Promise<string[]> {
  const rows = await pool.any(sql.type(nameRow)`
    select name from deployments d
    where not ${isPaused('retention')} and ${isInRetention} and archived_at <= now() - ${toInterval(retentionMs)}
      and ${hasNoActiveAction(sql.fragment`d.id`)}
    order by archived_at limit ${limit}`)
  return rows.map((row) => row.name)
}

const queueRow = z.object({ peopleWait: z.boolean(), cleanups: z.number() })

/**
 * `peopleWait`: an action that a person requested is queued and no runner has claimed it. `cleanups`: cleanups of the
 * retention that this runner performs or that no runner has claimed.
 */
export async function readQueueForRetention(
  pool: Database,
  runner: string,
): Promise<z.infer<typeof queueRow>> {
  return pool.one(sql.type(queueRow)`
    select
      coalesce(bool_or(source <> ${automaticSource} and state = 'queued' and not is_claimed), false) as "peopleWait",
      count(*) filter (where source = ${automaticSource} and (not is_claimed or runner = ${runner}))::int as cleanups
    from (
      select source, state, runner, coalesce(lease_expires_at > now(), false) as is_claimed
      from actions where state in ('queued', 'running')) active`)
}
