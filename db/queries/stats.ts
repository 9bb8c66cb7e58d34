/**
 * Counts for the metrics: deployments by status, active actions, waiting time, late checks. Called by
 * functions/telemetry.
 */
import { sql } from 'slonik'
import { z } from 'zod'
import { type ActionKind, actionKinds } from '../../domain/actions.ts'
import { statuses } from '../../domain/statuses.ts'
import type { Database } from '../pool.ts'
import { hasNoActiveAction } from './sql-fragments.ts'

const statsRow = z.object({
  deployments: z.array(z.object({ status: z.enum(statuses), count: z.number() })),
  active: z.array(
    z.object({
      kind: z.enum(actionKinds as [ActionKind, ...ActionKind[]]),
      state: z.enum(['queued', 'running']),
      count: z.number(),
    }),
  ),
  oldestQueuedSeconds: z.number(),
  lateChecks: z.number(),
})
/** `lateChecks`: deployments whose check has been due for more than 5 seconds, without a runner that holds it. */
export type Stats = z.infer<typeof statsRow>

/** Reads deployments and active actions in one round trip, never the action history. */
export async function readStats(pool: Database): Promise<Stats> {
  return pool.one(sql.type(statsRow)`
    select
      (select coalesce(json_agg(json_build_object('status', status, 'count', count)), '[]')
        from (select status, count(*) from deployments group by status) by_status) as deployments,
      (select coalesce(json_agg(json_build_object('kind', kind, 'state', state, 'count', count)), '[]')
        from (select kind, state, count(*) from actions where state in ('queued', 'running') group by kind, state) by_state) as active,
      (select coalesce(extract(epoch from now() - min(created_at)), 0)::float8
        from actions where state = 'queued') as "oldestQueuedSeconds",
      (select count(*) from deployment_checks c
        where next_check_at < now() - interval '5 seconds' and (lease_expires_at is null or lease_expires_at < now() - interval '5 seconds')
          and ${hasNoActiveAction(sql.fragment`c.deployment_id`)}) as "lateChecks"`)
}
