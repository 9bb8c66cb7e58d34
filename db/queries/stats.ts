/**
 * Counts for the metrics: deployments by status, active actions, waiting time, late checks, and how large the history
 * is. Called by functions.
 */
import { sql } from 'slonik'
import { z } from 'zod'
import { type ActionKind, actionKinds } from '../../domain/actions.ts'
import { statuses } from '../../domain/statuses.ts'
import type { Database } from '../pool.ts'
import { hasNoActiveAction, pendingStatuses } from './sql-fragments.ts'

/**
 * `outputBytes` and `outputChunks`: the text of all output that is not removed. `tables`: the size on the disk with
 * indexes, and the number of rows as PostgreSQL estimates it; null until it has counted them.
 */
export type Storage = {
  outputBytes: number
  outputChunks: number
  tables: { name: string; bytes: number; rows: number | null }[]
}

/** No table is read: the counters of the schema, and what PostgreSQL knows of files and rows. */
const storage = sql.fragment`(
  select json_build_object(
    'outputBytes', (select sum(bytes) from output_totals),
    'outputChunks', (select sum(chunks) from output_totals),
    'tables', (select json_agg(json_build_object(
        'name', relname, 'bytes', pg_total_relation_size(oid), 'rows', nullif(reltuples, -1)) order by relname)
      from pg_class where oid in ('deployments'::regclass, 'actions'::regclass, 'action_output'::regclass,
        'stored_outputs'::regclass, 'status_changes'::regclass, 'idempotency_keys'::regclass))))`

const storageRow = z.object({ storage: z.custom<Storage>() })

export async function readStorage(pool: Database): Promise<Storage> {
  return pool.oneFirst(sql.type(storageRow)`select ${storage} as storage`)
}

const statsRow = z.object({
  deployments: z.array(z.object({ status: z.enum(statuses), count: z.number() })),
  active: z.array(
    z.object({
      kind: z.enum(actionKinds as [ActionKind, ...ActionKind[]]),
      state: z.enum(['waiting', 'queued', 'running']),
      count: z.number(),
    }),
  ),
  oldestQueuedSeconds: z.number(),
  lateChecks: z.number(),
  paused: z.array(z.string()),
  storage: z.custom<Storage>(),
})
/** `lateChecks`: deployments whose check has been due for more than 5 seconds, without a runner that holds it. The time of a pause does not count. */
export type Stats = z.infer<typeof statsRow>

/** Of a row `c` of checks. */
const hasNotWaitedForPause = sql.fragment`(
  not exists (select from pauses where what = 'checks' and (paused_until is null or paused_until > now() - interval '5 seconds'))
  or exists (select from deployments d where d.id = c.deployment_id and d.status in (${pendingStatuses})))`

/** Reads deployments and active actions in one round trip, never the action history. */
export async function readStats(pool: Database): Promise<Stats> {
  return pool.one(sql.type(statsRow)`
    select
      (select coalesce(json_agg(json_build_object('status', status, 'count', count)), '[]')
        from (select status, count(*) from deployments group by status) by_status) as deployments,
      (select coalesce(json_agg(json_build_object('kind', kind, 'state', state, 'count', count)), '[]')
        from (select kind, state, count(*) from (
          select kind, state from actions where state in ('queued', 'running')
          union all
          select kind, state from actions where state = 'waiting') present group by kind, state) by_state) as active,
      (select coalesce(extract(epoch from now() - min(coalesce(queued_at, created_at))), 0)::float8
        from actions where state = 'queued') as "oldestQueuedSeconds",
      (select count(*) from deployment_checks c
        where next_check_at < now() - interval '5 seconds' and ${hasNotWaitedForPause} and (lease_expires_at is null or lease_expires_at < now() - interval '5 seconds')
          and ${hasNoActiveAction(sql.fragment`c.deployment_id`)}) as "lateChecks",
      (select coalesce(json_agg(what), '[]') from pauses where paused_until is null or paused_until > now()) as paused,
      ${storage} as storage`)
}
