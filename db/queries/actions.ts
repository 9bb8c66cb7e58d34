/** Reads actions, and the info record of Octopod 1.6. Called by functions/actions and functions/deployments. */
import { sql } from 'slonik'
import { z } from 'zod'
import { actionKinds, actions, toWireName } from '../../domain/actions.ts'
import { noSuchAction, noSuchDeployment } from '../../domain/errors.ts'
import type { Action, Info } from '../../domain/schemas.ts'
import type { Database } from '../pool.ts'

const actionRow = z.object({ body: z.custom<Action>() })
const idRow = z.object({ id: z.number() })

const apiAction = (withOutput: boolean) => sql.fragment`
  (to_api_action_summary(a)::jsonb || jsonb_build_object(
    'deployment', d.name,
    'actor_link', a.actor_link,
    'actor_issuer', a.actor_issuer,
    'actor_subject', a.actor_subject,
    'app_overrides', to_api_overrides(a.app_overrides),
    'deployment_overrides', to_api_overrides(a.deployment_overrides),
    'failure', to_api_action_failure(a, ${withOutput}),
    'output_removed_at', to_api_time(o.removed_at),
    'output_removal_reason', o.removal_reason)) as body`
const joined = sql.fragment`
  actions a join deployments d on d.id = a.deployment_id left join stored_outputs o on o.action_id = a.id`

export async function getAction(pool: Database, actionId: number, withOutput = true): Promise<Action> {
  const row = await pool.maybeOne(sql.type(actionRow)`
    select ${apiAction(withOutput)} from ${joined} where a.id = ${actionId}`)
  if (row === null) throw noSuchAction(actionId)
  return row.body
}

/** The actions of a deployment, newest first, in pages. `before` limits the list to smaller ids. */
export async function* readActions(
  pool: Database,
  name: string,
  limit: number,
  before?: number,
  withOutput = true,
): AsyncGenerator<Action[], void> {
  const deploymentId = await pool.maybeOneFirst(sql.type(idRow)`
    select id from deployments where name = ${name}`)
  if (deploymentId === null) throw noSuchDeployment(name)
  yield* readPages(
    pool,
    { deploymentId, limit, before },
    (page) => sql.fragment`select a.id, ${apiAction(withOutput)} from ${joined} where ${page}`,
  )
}

const infoHeadRow = z.object({
  id: z.number(),
  createdAt: z.string(),
  deployment: z.custom<Info['deployment']>(),
  metadata: z.custom<Info['metadata']>(),
})

/** The limit of finished actions in one `info` answer. {@link readActions} reads all of them. */
const maxInfoActions = 1000

/** Kind → the name that clients of Octopod 1.6 know. */
const legacyNames = JSON.stringify(
  Object.fromEntries(actionKinds.map((kind) => [kind, toWireName(actions[kind].legacyKind)])),
)

/** A deployment with its finished actions in the format of Octopod 1.6; the actions in pages. */
export async function readInfo(
  pool: Database,
  name: string,
): Promise<Omit<Info, 'logs'> & { createdAt: string; logs: AsyncGenerator<Info['logs'], void> }> {
  const head = await pool.maybeOne(sql.type(infoHeadRow)`
    select id, body ->> 'created_at' as "createdAt", body -> 'deployment' as deployment, body -> 'metadata' as metadata
    from deployment_details where name = ${name}`)
  if (head === null) throw noSuchDeployment(name)
  const { id: deploymentId, createdAt, deployment, metadata } = head
  const logs = readPages<Info['logs'][number]>(
    pool,
    { deploymentId, limit: maxInfoActions },
    (page) => sql.fragment`
    select a.id, json_build_object(
      'action_id', a.id,
      'action', ${legacyNames}::json ->> a.kind,
      'deployment_app_overrides', to_api_overrides(a.app_overrides),
      'deployment_dep_overrides', to_api_overrides(a.deployment_overrides),
      'exit_code', case when a.state in ('succeeded', 'failed') then coalesce(a.exit_code, -1) else -1 end,
      'duration', json_build_object('months', 0,
        'time', coalesce(extract(epoch from a.finished_at - a.started_at), 0)::float8),
      'created_at', to_api_time(a.created_at)) as body
    from actions a where a.finished_at is not null and a.wait_conditions is null and ${page}`,
  )
  return { createdAt, deployment, metadata, logs }
}

const pageRow = z.object({ id: z.number(), text: z.string() })
/** An action can have a megabyte of overrides. */
const maxPageLength = 256 * 1024
const maxPageRows = 50

/**
 * Actions of a deployment as JSON, newest first, in pages of about 256 KiB. `select` adds the condition of a page to
 * its query. Throws when the deployment is deleted after the first page, because the rest is missing then.
 */
async function* readPages<T>(
  pool: Database,
  { deploymentId, limit, before }: { deploymentId: number; limit: number; before?: number | undefined },
  select: (page: ReturnType<typeof sql.fragment>) => ReturnType<typeof sql.fragment>,
): AsyncGenerator<T[], void> {
  let remaining = limit
  let lastId = before ?? Number.MAX_SAFE_INTEGER
  for (let pages = 1; remaining > 0; pages += 1) {
    const pageLimit = Math.min(remaining, maxPageRows)
    const page = sql.fragment`
      a.deployment_id = ${deploymentId} and a.id < ${lastId}::bigint order by a.id desc limit ${pageLimit}`
    const rows = await pool.any(sql.type(pageRow)`
      select id, text from (
        select *, sum(length(text)) over (order by id desc) - length(text) as before
        from (select id, body::text as text from (${select(page)}) bodies) texts
      ) counted where before < ${maxPageLength} order by id desc`)
    if (rows.length > 0) yield rows.map(({ text }) => JSON.parse(text))
    remaining -= rows.length
    lastId = rows.at(-1)?.id ?? 0
    const length = rows.reduce((sum, { text }) => sum + text.length, 0)
    if (rows.length === pageLimit || length >= maxPageLength) continue
    if (pages > 1 && !(await pool.exists(sql.unsafe`select from deployments where id = ${deploymentId}`)))
      throw new Error(`deployment ${deploymentId} was deleted while its actions were read`)
    return
  }
}
