/** The order in which waiting actions are claimed. Called by runner/actions. */
import { sql } from 'slonik'
import { z } from 'zod'
import { automaticSource } from '../../domain/actions.ts'
import type { Database } from '../pool.ts'
import { isClaimable } from './action-lifecycle.ts'
import { caller } from './sql-fragments.ts'

/** When a runner has claimed an action of a caller last: milliseconds on the database's clock. */
export type ServedCaller = { actor: string; source: string; claimedAtMs: number }

const idRow = z.object({ id: z.number() })

/**
 * The ids of the actions that are to be claimed next. What people request comes before automatic work, and
 * a single action before those of a bulk request. Then callers take
 * turns, those with the fewest running actions first, so that a caller with many actions does not delay the one action
 * of another. Among these, the one comes first who has waited longest: since it was served last, or since the action was
 * accepted. Reads only active actions, at most one for each deployment.
 */
export async function findNextActions(
  pool: Database,
  limit: number,
  served: readonly ServedCaller[],
): Promise<readonly number[]> {
  const servedCallers = sql.unnest(
    served.map(({ actor, source, claimedAtMs }) => [actor, source, claimedAtMs]),
    ['text', 'text', 'float8'],
  )
  return pool.anyFirst(sql.type(idRow)`
    select a.id from actions a
    left join (
      select coalesce(claimed_actor, actor) as actor, source, is_bulk, count(*) as running from actions
      where state in ('queued', 'running') and lease_expires_at > now() group by 1, 2, 3
    ) as busy on busy.actor = ${caller} and busy.source = a.source and busy.is_bulk = a.is_bulk
    left join ${servedCallers} as served (actor, source, at_ms) 
      on served.actor = ${caller} and served.source = a.source
    where ${isClaimable}
    order by a.source = ${sql.literalValue(automaticSource)}, a.is_bulk,
      coalesce(busy.running, 0) + row_number() over (partition by ${caller}, a.source, a.is_bulk order by a.id),
      greatest(a.created_at, to_timestamp(served.at_ms / 1000)), a.id
    limit ${limit}`)
}
