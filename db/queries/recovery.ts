/**
 * Recovery after a lost runner: ends the actions that it held, and finds the attempts whose scripts may still run.
 * Every runner calls it periodically (runner/schedules).
 */
import { sql } from 'slonik'
import { z } from 'zod'
import { type ActionKind, actionKinds, actions } from '../../domain/actions.ts'
import type { ChangeEvent } from '../../domain/event.ts'
import { lastLines } from '../../domain/failures/explain-failure.ts'
import type { Failure } from '../../domain/failures/failure.ts'
import type { Database, Transaction } from '../pool.ts'
import { applyFinalStatus, maxClaims } from './action-lifecycle.ts'
import { insertAuditEntry, systemActor } from './audit/insert-entry.ts'
import { bumpRevision } from './deployments.ts'
import { readLastOutput } from './output.ts'
import { hasNoActiveAction, toJsonb } from './sql-fragments.ts'

const idRow = z.object({ id: z.number() })

const leaseRow = z.object({ remainingMs: z.number().nullable() })

/** The time until the first lease of a running action expires, negative after it. Null when no action runs. */
export async function readShortestLease(pool: Database): Promise<number | null> {
  return pool.oneFirst(sql.type(leaseRow)`
    select extract(epoch from min(lease_expires_at) - now())::float8 * 1000 as "remainingMs"
    from actions where state in ('queued', 'running') and state = 'running'`)
}

/** `runnerIsGone`: the process of the runner has certainly ended. */
export type Attempt = { actionId: number; fencingToken: number; runnerIsGone: boolean }

const attemptRow = z.object({ actionId: z.number(), fencingToken: z.number() })

/**
 * The attempts that have lost their action although their runner never ended it: the lease has expired or belongs to
 * another runner, nobody renews it any more, or the recovery has ended the action. What an ended script leaves running
 * belongs to an action that its own runner has ended.
 */
export async function findLostAttempts(
  pool: Database,
  attempts: readonly Attempt[],
): Promise<readonly z.infer<typeof attemptRow>[]> {
  return pool.any(sql.type(attemptRow)`
    select a.id as "actionId", attempt.fencing_token as "fencingToken"
    from ${sql.unnest(
      attempts.map(({ actionId, fencingToken, runnerIsGone }) => [actionId, fencingToken, runnerIsGone]),
      ['int8', 'int4', 'bool'],
    )} as attempt (action_id, fencing_token, runner_is_gone)
    join actions a on a.id = attempt.action_id
    where (a.state in ('queued', 'running') and (
        a.fencing_token > attempt.fencing_token or a.lease_expires_at <= now() or attempt.runner_is_gone))
      or (a.state = 'interrupted' and a.fencing_token > attempt.fencing_token)`)
}

const expiredRow = z.object({
  id: z.number(),
  kind: z.enum(actionKinds as [ActionKind, ...ActionKind[]]),
  state: z.string(),
  attempt: z.number(),
  runner: z.string().nullable(),
  deploymentId: z.number(),
  name: z.string(),
  cancel: z.boolean(),
})

export type ExpiredAction = {
  actionId: number
  name: string
  runner: string | null
  retryActionId: number | null
  change: ChangeEvent
}

/** The limit of attempts for one request where the operator allows retries. */
const maxAttempts = 3

/**
 * Ends one action whose lease has expired and that no runner may claim again: it has started, a cancel was requested,
 * or {@link maxClaims} runners were lost with it. It ends as `interrupted` or `cancelled` and keeps its output. With
 * `retry`, a second action follows one that had started, unless a newer one waits. Returns null when there is no such action.
 */
export async function endExpiredAction(pool: Database, retry: boolean): Promise<ExpiredAction | null> {
  return pool.transaction(async (transaction) => {
    const expired = await transaction.maybeOne(sql.type(expiredRow)`
      select a.id, a.kind, a.state, a.attempt, a.runner, d.id as "deploymentId", d.name,
        a.cancel_requested_at is not null as cancel
      from actions a join deployments d on d.id = a.deployment_id
      where a.lease_expires_at <= now()
        and (a.state = 'running' or a.cancel_requested_at is not null or a.fencing_token >= ${maxClaims})
        and a.state in ('queued', 'running')
      order by a.id limit 1 for update of a skip locked`)
    if (expired === null) return null
    const state = expired.state === 'queued' && expired.cancel ? 'cancelled' : 'interrupted'
    const message =
      state === 'cancelled'
        ? 'Cancelled before it started.'
        : expired.state === 'queued'
          ? `${maxClaims} runners were lost before its script could start.`
          : `Its runner${expired.runner ? ` ${expired.runner}` : ''} was lost or lost its lease.`
    const { script } = actions[expired.kind]
    const output = lastLines(await readLastOutput(transaction, expired.id))
    const failure =
      state === 'cancelled'
        ? null
        : toJsonb({ what: 'runner_lost', script, message, hint: null, output } satisfies Failure)
    await transaction.query(sql.unsafe`
      update actions set state = ${state}, error = ${message}, failure = ${failure}, finished_at = now(), fencing_token = fencing_token + 1,
        lease_expires_at = null
      where id = ${expired.id}`)
    const mayRetry = retry && expired.state === 'running' && !expired.cancel && expired.attempt < maxAttempts
    const willRetry = mayRetry && !(await hasWaitingAction(transaction, expired.deploymentId))
    const retryActionId = willRetry ? await insertRetry(transaction, expired) : null
    const change = willRetry
      ? await bumpRevision(transaction, expired.deploymentId)
      : await applyFinalStatus(transaction, expired, false)
    const { id: actionId, name, runner } = expired
    return { actionId, name, runner, retryActionId, change }
  })
}

/** Locks the deployment, so that no action begins to wait before the retry exists: the newer one has the greater id. */
async function hasWaitingAction(transaction: Transaction, deploymentId: number): Promise<boolean> {
  await transaction.query(sql.unsafe`select from deployments where id = ${deploymentId} for update`)
  return transaction.exists(sql.unsafe`
    select from actions where deployment_id = ${deploymentId} and state = 'waiting'`)
}

async function insertRetry(
  transaction: Transaction,
  { id: actionId, name: deployment }: Pick<z.infer<typeof expiredRow>, 'id' | 'name'>,
): Promise<number> {
  const row = await transaction.one(sql.type(idRow)`
    insert into actions (deployment_id, kind, state, app_overrides, deployment_overrides, actor, source, reason,
      config_checked, expected_duration_ms, attempt, actor_issuer, actor_subject, proof, claimed_actor, actor_link)
    select deployment_id, kind, 'queued', app_overrides, deployment_overrides, actor, source,
      'Retry of action ' || id || ', whose runner was lost.', config_checked, expected_duration_ms, attempt + 1, actor_issuer, actor_subject, proof, claimed_actor,
      actor_link
    from actions where id = ${actionId}
    returning id`)
  const details = { retried_action_id: actionId }
  await insertAuditEntry(transaction, {
    by: systemActor,
    operation: 'retry',
    deployment,
    actionId: row.id,
    details,
  })
  return row.id
}

const overdueRow = z.object({ deploymentId: z.number() })
const startedRow = z.object({ actionId: z.number().nullable() })

/**
 * Starts waiting actions that the trigger has missed, and ends those that cannot start any more. The
 * trigger start_waiting_action does so in the transaction that ends what they wait for.
 */
export async function startOverdueWaitingActions(pool: Database): Promise<ChangeEvent[]> {
  const overdue = await pool.anyFirst(sql.type(overdueRow)`
    select d.id as "deploymentId" from actions a join deployments d on d.id = a.deployment_id
    where a.state = 'waiting' and not a.wait_conditions -> 'waiting_statuses' ? d.status
      and ${hasNoActiveAction(sql.fragment`d.id`)}
    order by a.id limit 100`)
  const changes: ChangeEvent[] = []
  for (const deploymentId of overdue) {
    const change = await pool.transaction(async (transaction) => {
      const actionId = await transaction.oneFirst(sql.type(startedRow)`
        select start_waiting_action(${deploymentId}) as "actionId"`)
      return actionId === null ? null : bumpRevision(transaction, deploymentId)
    })
    if (change !== null) changes.push(change)
  }
  return changes
}

const identityRow = z.object({ identity: z.string() })

/**
 * A runner recognizes the scripts of its own installation by it. No other database has the same text, except a copy
 * of the files of the database cluster.
 */
export async function readDatabaseIdentity(pool: Pick<Database, 'oneFirst'>): Promise<string> {
  return pool.oneFirst(sql.type(identityRow)`
    select concat_ws(' ', system_identifier, current_database(), current_schema()) as identity from pg_control_system()`)
}
