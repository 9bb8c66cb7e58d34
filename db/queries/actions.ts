/** Reads actions, and the info record of Octopod 1.6. Called by functions/actions and functions/deployments. */
import { sql } from 'slonik'
import { z } from 'zod'
import { noSuchAction, noSuchDeployment } from '../../domain/errors.ts'
import type { Action, Info } from '../../domain/schemas.ts'
import type { Database } from '../pool.ts'

const actionRow = z.object({ body: z.custom<Action>() })
const idRow = z.object({ id: z.number() })

const apiAction = (withOutput: boolean) => sql.fragment`
  (to_api_action_summary(a)::jsonb || jsonb_build_object('deployment', d.name, 'app_overrides', a.app_overrides,
    'deployment_overrides', a.deployment_overrides, 'failure', to_api_action_failure(a, ${withOutput}),
    'output_removed_at', to_api_time(o.removed_at), 'output_removal_reason', o.removal_reason)) as body`
const joined = sql.fragment`
  actions a join deployments d on d.id = a.deployment_id left join stored_outputs o on o.action_id = a.id`

export async function getAction(pool: Database, actionId: number, withOutput = true): Promise<Action> {
  const row = await pool.maybeOne(sql.type(actionRow)`
    select ${apiAction(withOutput)} from ${joined} where a.id = ${actionId}`)
  if (row === null) throw noSuchAction(actionId)
  return row.body
}

/** Newest first. `before` limits the list to smaller ids. */
export async function listActions(
  pool: Database,
  name: string,
  limit: number,
  before?: number,
  withOutput = true,
): Promise<Action[]> {
  const deploymentId = await pool.maybeOneFirst(sql.type(idRow)`
    select id from deployments where name = ${name}`)
  if (deploymentId === null) throw noSuchDeployment(name)
  const rows = await pool.any(sql.type(actionRow)`
    select ${apiAction(withOutput)} from ${joined}
    where a.deployment_id = ${deploymentId} and a.id < ${before ?? Number.MAX_SAFE_INTEGER}::bigint
    order by a.id desc limit ${limit}`)
  return rows.map((row) => row.body)
}

const infoRow = z.object({ body: z.custom<Info>() })

/** The limit of finished actions in one `info` answer. {@link listActions} pages through all of them. */
const maxInfoActions = 1000

/** A deployment with its finished actions in the format of Octopod 1.6. */
export async function getInfo(pool: Database, name: string): Promise<Info> {
  const row = await pool.maybeOne(sql.type(infoRow)`
    select json_build_object(
      'deployment', f.body -> 'deployment',
      'metadata', f.body -> 'metadata',
      'logs', coalesce((
        select json_agg(json_build_object(
          'action_id', a.id,
          'action', to_api_action_kind(a.kind),
          'deployment_app_overrides', a.app_overrides,
          'deployment_dep_overrides', a.deployment_overrides,
          'exit_code', case when a.state in ('succeeded', 'failed') then coalesce(a.exit_code, -1) else -1 end,
          'duration', json_build_object('months', 0,
            'time', coalesce(extract(epoch from a.finished_at - a.started_at), 0)::float8),
          'created_at', to_api_time(a.created_at)) order by a.id desc)
        from (select * from actions where deployment_id = f.id and finished_at is not null order by id desc limit ${maxInfoActions}) a),
        '[]')) as body
    from deployment_details f where f.name = ${name}`)
  if (row === null) throw noSuchDeployment(name)
  return row.body
}
