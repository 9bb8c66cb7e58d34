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
import { isPaused } from './pauses/pauses.ts'
import { pendingStatuses, timedStatuses } from './sql-fragments.ts'

// Created once: zod compiles a schema on first use.
const listVersionRow = z.object({ changes: z.number() })
const textRow = z.object({ name: z.string(), text: z.string() })
const bodyRow = z.object({ body: z.custom<FullInfo>() })

/** The number of committed visible changes: the version of the list. */
export async function getListVersion(pool: Database | Transaction): Promise<number> {
  return pool.oneFirst(sql.type(listVersionRow)`
    select sum(changes)::bigint as changes from change_counts`)
}

const changeCountRow = z.object({ changes: z.number(), started: z.string() })
/** `started`: identifies the run of the PostgreSQL server. It changes with a restart and with a failover. */
export type ChangeCount = z.infer<typeof changeCountRow>

/** The version of the list, with the run of the server that has counted it. */
export async function getChangeCount(pool: Database): Promise<ChangeCount> {
  return pool.one(sql.type(changeCountRow)`
    select sum(changes)::bigint as changes, extract(epoch from pg_postmaster_start_time())::text as started
    from change_counts`)
}

const listStateRow = z.object({ state: z.string() })

/** Identifies the contents of the list, also after a failover or a restore that has lost transactions and repeats version numbers. */
export async function getListState(pool: Database): Promise<string> {
  return pool.oneFirst(sql.type(listStateRow)`select sum(change_id)::text as state from change_counts`)
}

const listChangesRow = z.object({
  state: z.string(),
  shards: z.array(z.tuple([z.number(), z.number()])),
  // Tens of thousands at the first read.
  deployments: z.custom<[id: number, changeId: number][]>(),
})
/** `shards`: those that changed, as [shard, changeId]. `deployments`: all that are in these shards, as [id, changeId]. */
export type ListChanges = z.infer<typeof listChangesRow>

/** The shard of a deployment in the table change_counts. */
export const shardOf = (deploymentId: number): number => deploymentId % 64

/**
 * Compares the shards of the list with those that the caller knows, as a map from shard to change id. No horizon of
 * transactions: the answer is right after a failover and a restore, and beside long transactions.
 */
export async function readListChanges(
  pool: Database,
  known: ReadonlyMap<number, number>,
): Promise<ListChanges> {
  return pool.one(sql.type(listChangesRow)`
    with changed as materialized (
      select c.shard, c.change_id
      from change_counts c left join unnest(
        ${sql.array([...known.keys()], 'int4')}, ${sql.array([...known.values()], 'int8')}) as known (shard, change_id)
        on known.shard = c.shard
      where c.change_id is distinct from known.change_id)
    select
      (select sum(change_id)::text from change_counts) as state,
      coalesce((select json_agg(json_build_array(shard, change_id)) from changed), '[]') as shards,
      coalesce((
        select json_agg(json_build_array(id, change_id)) from deployments
        where id % 64 = any (array(select shard from changed))), '[]') as deployments`)
}

const listEntryRow = z.object({
  id: z.number(),
  changeId: z.number(),
  changedAtUs: z.number(),
  body: z.custom<FullInfo>(),
})
export type ListEntry = z.infer<typeof listEntryRow>

/** Omits unknown ids. An entry may be newer than the {@link readListChanges} that named it. */
export async function readListEntries(pool: Database, ids: readonly number[]): Promise<readonly ListEntry[]> {
  return pool.any(sql.type(listEntryRow)`
    select id, change_id as "changeId", (extract(epoch from updated_at) * 1000000)::bigint as "changedAtUs", body
    from deployment_details where id = any(${sql.array([...ids], 'int8')})`)
}

/**
 * Deployments with their last checks and the explanations of failures, as JSON text by name. Omits unknown names.
 * `withOutput`: the reader may read output.
 */
export async function getFullInfos(
  pool: Database,
  names: readonly string[],
  withOutput = true,
): Promise<ReadonlyMap<string, string>> {
  const rows = await pool.any(sql.type(textRow)`
    select name, left(coalesce(
        jsonb_set(body::jsonb, '{last_action,failure}', to_api_action_failure(d.last_action, ${withOutput}))::text,
        body::text), -1) || ', "last_check" : ' || case
      when c.checked_at is null and c.stopped_waiting_by is null then 'null'
      else json_build_object(
        'checked_at', to_api_time(coalesce(c.checked_at, d.updated_at)), 'exit_code', c.exit_code, 'error', c.error, 'failure',
        to_api_check_failure(c, d.status in (${pendingStatuses}), ${withOutput}))::text
      end || ', "waits_until" : ' || coalesce(to_json(case
        when d.status in (${timedStatuses}) and (d.last_action).state in ('queued', 'running') is not true
          then to_api_time(d.status_updated_at + c.status_update_timeout)
      end)::text, 'null') || ', "checks_paused_since" : ' || coalesce(to_json(case
        when ${isPaused('checks')} and d.status not in (${pendingStatuses}) then (select to_api_time(paused_at) from pauses where what = 'checks')
      end)::text, 'null')
      || ', "failed_scripts" : ' || to_api_failed_scripts(d.id, c, ${withOutput}) || '}' as text
    from deployment_details d left join deployment_checks c on c.deployment_id = d.id
    where name = any(${sql.array([...names], 'text')})`)
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
    createdAt: z.string(),
    app_overrides: storedOverrides,
    deployment_overrides: storedOverrides,
  })
  .transform(nestOverrides)

export type DeploymentOverrides = z.infer<typeof deploymentOverridesRow>

/** The overrides that scripts run with. Null for an unknown name. */
export async function findDeploymentOverrides(
  pool: Database,
  name: string,
): Promise<DeploymentOverrides | null> {
  return pool.maybeOne(sql.type(deploymentOverridesRow)`
    select id, name, to_api_time(created_at) as "createdAt", app_overrides, deployment_overrides
    from deployments where name = ${name}`)
}

/** Throws no_such_deployment. */
export async function getDeploymentOverrides(pool: Database, name: string): Promise<DeploymentOverrides> {
  const found = await findDeploymentOverrides(pool, name)
  if (found === null) throw noSuchDeployment(name)
  return found
}

const creationTimeRow = z.object({ createdAt: z.string() })

/** As in answers of the API. Throws no_such_deployment. */
export async function readCreationTime(pool: Database, name: string): Promise<string> {
  const createdAt = await pool.maybeOneFirst(sql.type(creationTimeRow)`
    select to_api_time(created_at) as "createdAt" from deployments where name = ${name}`)
  if (createdAt === null) throw noSuchDeployment(name)
  return createdAt
}

/** The owner as a column named `owner`, of a table with the alias d. Null without one. */
export const ownerOf = sql.fragment`case when d.owner_subject is not null then
  json_build_object('issuer', d.owner_issuer, 'subject', d.owner_subject, 'name', d.owner_name) end as owner`
export const ownerRow = z.object({ issuer: z.string(), subject: z.string(), name: z.string() }).nullable()

const ownedRow = z.object({ owner: ownerRow })

/** Undefined for an unknown deployment. */
export async function readDeploymentOwner(
  pool: Database,
  name: string,
): Promise<z.infer<typeof ownerRow> | undefined> {
  const row = await pool.maybeOne(
    sql.type(ownedRow)`select ${ownerOf} from deployments d where d.name = ${name}`,
  )
  return row?.owner
}

const lockedRow = z.object({ id: z.number(), owner: ownerRow, status: z.string() })

/** Locks a deployment until the transaction ends. Throws no_such_deployment. */
export async function lockDeployment(
  transaction: Transaction,
  name: string,
): Promise<z.infer<typeof lockedRow>> {
  const locked = await transaction.maybeOne(sql.type(lockedRow)`
    select d.id, d.status, ${ownerOf} from deployments d where d.name = ${name} for update`)
  if (locked === null) throw noSuchDeployment(name)
  return locked
}

export const deploymentStateRow = z
  .object({
    owner: ownerRow,
    status: z.enum(statuses),
    busy: z.boolean(),
    revision: z.number(),
    configRevision: z.number(),
    createdAt: z.string(),
    app_overrides: storedOverrides,
    deployment_overrides: storedOverrides,
  })
  .transform(nestOverrides)
export type DeploymentState = z.infer<typeof deploymentStateRow>

/**
 * The query of the state, without a lock, to refuse invalid requests early: part of readRequestContext. Only
 * enqueueAction, under the lock, decides.
 */
export const deploymentState = (name: string) => sql.fragment`
  select status, revision, config_revision as "configRevision", to_api_time(created_at) as "createdAt", app_overrides, deployment_overrides,
    exists (select from actions a where a.deployment_id = d.id and a.state in ('queued', 'running')) as busy, ${ownerOf}
  from deployments d where name = ${name}`

/** For a change of what clients see of a deployment beside its row. */
export async function bumpRevision(transaction: Transaction, deploymentId: number): Promise<ChangeEvent> {
  await transaction.query(sql.unsafe`update deployments set revision = default where id = ${deploymentId}`)
  return readChangeEvent(transaction, deploymentId)
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
