/** Reading deployments: the list as JSON text made by PostgreSQL, one, what the scripts need of one. */
import { sql } from 'slonik'
import { z } from 'zod'
import { ApiError } from '../../domain/errors.ts'
import type { ChangeEvent } from '../../domain/event.ts'
import { type FullInfo, nestOverrides, storedOverrides } from '../../domain/schemas.ts'
import type { Database, Transaction } from '../pool.ts'

// Made once: zod compiles a schema when it is first used.
const listVersionRow = z.object({ changes: z.number() })
const idRow = z.object({ id: z.number() })
const textRow = z.object({ name: z.string(), text: z.string() })
const bodyRow = z.object({ body: z.custom<FullInfo>() })

/** How many visible changes have ever been committed: the version of the list, and what ETags are made of. */
export async function getListVersion(pool: Database | Transaction): Promise<number> {
  return pool.oneFirst(sql.type(listVersionRow)`
    select sum(changes)::bigint as changes from change_counts`)
}

const deploymentChangesRow = z.object({
  changes: z.number(),
  deletions: z.number(),
  horizon: z.string(),
  rows: z.array(z.object({ id: z.number(), changedAt: z.number(), body: z.custom<FullInfo>() })),
})
/** `changedAt` is in microseconds; `horizon` is to be given to the next {@link readChangesSince}. */
export type DeploymentChanges = z.infer<typeof deploymentChangesRow>

/**
 * The deployments changed since the snapshot that gave `horizon` (null: all), in one snapshot with the version of the
 * list. Some may come again although nothing changed: whatever was uncommitted then has to be looked at again.
 */
export async function readChangesSince(pool: Database, cursor: string | null): Promise<DeploymentChanges> {
  return pool.one(sql.type(deploymentChangesRow)`
    select
      (select sum(changes)::bigint from change_counts) as changes,
      (select sum(deletions)::bigint from change_counts) as deletions,
      pg_snapshot_xmin(pg_current_snapshot())::text as horizon,
      coalesce((
        select json_agg(json_build_object(
          'id', id, 'changedAt', extract(epoch from updated_at) * 1000000, 'body', body))
        from deployment_details where changed_xid >= ${cursor ?? '0'}::xid8), '[]') as rows`)
}

/** The ids of all deployments there are. */
export async function listDeploymentIds(pool: Database): Promise<readonly number[]> {
  return pool.anyFirst(sql.type(idRow)`select id from deployments`)
}

/** Deployments with their last checks, as JSON text by name; those that are not there are left out. */
export async function getFullInfos(
  pool: Database,
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await pool.any(sql.type(textRow)`
    select name, left(body::text, -1) || ', "last_check" : ' || case
      when check_exit_code is null and check_error is null then 'null'
      else json_build_object(
        'checked_at', to_api_time(checked_at), 'exit_code', check_exit_code, 'error', check_error)::text
      end || '}' as text
    from deployment_details where name = any(${sql.array([...names], 'text')})`)
  return new Map(rows.map(({ name, text }) => [name, text]))
}

/** One of them. */
export async function getFullInfo(pool: Database, name: string): Promise<string> {
  return requireFullInfo((await getFullInfos(pool, [name])).get(name), name)
}

/** Throws a Refusal where there is none. */
export function requireFullInfo(text: string | undefined, name: string): string {
  if (text === undefined) throw new ApiError('no_such_deployment', `There is no deployment ${name}.`)
  return text
}

const deploymentOverridesRow = z
  .object({
    id: z.number(),
    name: z.string(),
    app_overrides: storedOverrides,
    deployment_overrides: storedOverrides,
  })
  .transform(nestOverrides)

export type DeploymentOverrides = z.infer<typeof deploymentOverridesRow>

/** What scripts are told about a deployment. Throws a Refusal when it is not there. */
export async function getDeploymentOverrides(pool: Database, name: string): Promise<DeploymentOverrides> {
  const row = await pool.maybeOne(sql.type(deploymentOverridesRow)`
    select id, name, app_overrides, deployment_overrides
    from deployments where name = ${name}`)
  if (row === null) throw new ApiError('no_such_deployment', `There is no deployment ${name}.`)
  return row
}

/** The event of a deployment as it stands now in this transaction. */
export async function readChangeEvent(transaction: Transaction, deploymentId: number): Promise<ChangeEvent> {
  const { body } = await transaction.one(sql.type(bodyRow)`
    select body from deployment_details where id = ${deploymentId}`)
  return toChangeEvent(body)
}

export function toChangeEvent(fullInfo: FullInfo): ChangeEvent {
  return {
    type: 'deployment',
    name: fullInfo.deployment.name,
    revision: fullInfo.revision,
    deployment: fullInfo,
  }
}
