/**
 * Reads deployments: the list and single ones as JSON that PostgreSQL builds, and what scripts need of one. Called by
 * functions/ and by the other query files.
 */
import { sql } from 'slonik'
import { z } from 'zod'
import { noSuchDeployment } from '../../domain/errors.ts'
import type { ChangeEvent } from '../../domain/event.ts'
import { type FullInfo, nestOverrides, storedOverrides } from '../../domain/schemas.ts'
import { statuses } from '../../domain/statuses.ts'
import type { Database, Transaction } from '../pool.ts'

// Created once: zod compiles a schema on first use.
const listVersionRow = z.object({ changes: z.number() })
const idRow = z.object({ id: z.number() })
const textRow = z.object({ name: z.string(), text: z.string() })
const bodyRow = z.object({ body: z.custom<FullInfo>() })

/** The number of committed visible changes. It is the version of the list and the ETag. */
export async function getListVersion(pool: Database | Transaction): Promise<number> {
  return pool.oneFirst(sql.type(listVersionRow)`
    select sum(changes)::bigint as changes from change_counts`)
}

const deploymentChangesRow = z.object({
  changes: z.number(),
  deletions: z.number(),
  cursor: z.string(),
  rows: z.array(z.object({ id: z.number(), changedAt: z.number(), body: z.custom<FullInfo>() })),
})
/** `changedAt` is in microseconds. Pass `cursor` to the next {@link readChangesSince}. */
export type DeploymentChanges = z.infer<typeof deploymentChangesRow>

/**
 * The deployments changed since the snapshot of `cursor` (null: all) and the version of the list, in one snapshot. May
 * repeat unchanged deployments: those of transactions that were uncommitted at the earlier snapshot.
 */
export async function readChangesSince(pool: Database, cursor: string | null): Promise<DeploymentChanges> {
  return pool.one(sql.type(deploymentChangesRow)`
    select
      (select sum(changes)::bigint from change_counts) as changes,
      (select sum(deletions)::bigint from change_counts) as deletions,
      pg_snapshot_xmin(pg_current_snapshot())::text as cursor,
      coalesce((
        select json_agg(json_build_object(
          'id', id, 'changedAt', extract(epoch from updated_at) * 1000000, 'body', body))
        from deployment_details where changed_xid >= ${cursor ?? '0'}::xid8), '[]') as rows`)
}

export async function listDeploymentIds(pool: Database): Promise<readonly number[]> {
  return pool.anyFirst(sql.type(idRow)`select id from deployments`)
}

/** Deployments with their last checks, as JSON text by name. Omits unknown names. */
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

/** Throws no_such_deployment when `text` is undefined. */
export function requireFullInfo(text: string | undefined, name: string): string {
  if (text === undefined) throw noSuchDeployment(name)
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

/** The overrides that scripts run with. Throws no_such_deployment. */
export async function getDeploymentOverrides(pool: Database, name: string): Promise<DeploymentOverrides> {
  const row = await pool.maybeOne(sql.type(deploymentOverridesRow)`
    select id, name, app_overrides, deployment_overrides
    from deployments where name = ${name}`)
  if (row === null) throw noSuchDeployment(name)
  return row
}

const deploymentStateRow = z
  .object({
    status: z.enum(statuses),
    busy: z.boolean(),
    configRevision: z.number(),
    app_overrides: storedOverrides,
    deployment_overrides: storedOverrides,
  })
  .transform(nestOverrides)
export type DeploymentState = z.infer<typeof deploymentStateRow>

/** Reads without a lock, to refuse invalid requests early. Only enqueueAction, under the lock, decides. */
export async function readDeploymentState(pool: Database, name: string): Promise<DeploymentState | null> {
  return pool.maybeOne(sql.type(deploymentStateRow)`
    select status, config_revision as "configRevision", app_overrides, deployment_overrides,
      exists (select from actions a where a.deployment_id = d.id and a.state in ('queued', 'running')) as busy
    from deployments d where name = ${name}`)
}

/** The change event for the current state of a deployment in this transaction. */
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
