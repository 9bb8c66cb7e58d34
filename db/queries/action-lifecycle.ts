/**
 * The steps of a runner with an action: claim, renew, start, release, finish. Every write carries the fencing token;
 * with a stale token it changes nothing and throws StaleLease. Called by runner/actions.
 */
import { type FragmentSqlToken, sql } from 'slonik'
import { z } from 'zod'
import {
  type ActionKind,
  actionKinds,
  type ScriptResult,
  stateFromResult,
  statusAfterAction,
} from '../../domain/actions.ts'
import type { ChangeEvent } from '../../domain/event.ts'
import type { Failure } from '../../domain/failures/failure.ts'
import { type FullInfo, type Link, nestOverrides, storedOverrides } from '../../domain/schemas.ts'
import { StaleLease } from '../errors.ts'
import type { Database, Transaction } from '../pool.ts'
import { deleteDeploymentRow } from './delete-deployment.ts'
import { toChangeEvent } from './deployments.ts'
import { caller, isBeingChecked, toInterval, toJsonb } from './sql-fragments.ts'

const claimedRow = z
  .object({
    actionId: z.number(),
    fencingToken: z.number(),
    attempt: z.number(),
    kind: z.enum(actionKinds as [ActionKind, ...ActionKind[]]),
    deploymentId: z.number(),
    name: z.string(),
    app_overrides: storedOverrides,
    deployment_overrides: storedOverrides,
    configChecked: z.boolean(),
    actor: z.string(),
    source: z.string(),
    claimedAtMs: z.number(),
    isBeingChecked: z.boolean(),
  })
  .transform(nestOverrides)
/**
 * A claimed action, with the fencing token that every later write must carry. `isBeingChecked`: a check of the deployment
 * runs, and the script must not start before its end. No check begins while the action is active.
 */
export type ClaimedAction = z.infer<typeof claimedRow>
export type Lease = { actionId: number; fencingToken: number }

/** After so many claims without a start, the action itself is taken to be the reason why its runners are lost. */
export const maxClaims = 5

/** Claims a queued action that no runner holds. Returns null otherwise, so a repeated notification is harmless. */
export async function claim(
  pool: Database,
  actionId: number,
  runner: string,
  leaseMs: number,
): Promise<ClaimedAction | null> {
  return pool.maybeOne(claimQuery(sql.fragment`a.id = ${actionId}`, runner, leaseMs))
}

/** Claims the first of these actions that can be claimed. Returns null when none can. */
export async function claimFirst(
  pool: Database,
  actionIds: readonly number[],
  runner: string,
  leaseMs: number,
): Promise<ClaimedAction | null> {
  // In an array, which is evaluated once.
  const isFirst = sql.fragment`a.id = any(array(
    select a.id from unnest(${sql.array(actionIds, 'int8')}) with ordinality as wanted (id, place)
    join actions a on a.id = wanted.id
    where ${isClaimable} order by wanted.place limit 1 for update of a skip locked))`
  return pool.maybeOne(claimQuery(isFirst, runner, leaseMs))
}

/** True for a row `a` of actions that {@link claim} would claim. */
export const isClaimable = sql.fragment`
  a.state = 'queued' and a.cancel_requested_at is null and (a.lease_expires_at is null or a.lease_expires_at <= now())
  and a.fencing_token < ${maxClaims}`

const claimQuery = (isWanted: FragmentSqlToken, runner: string, leaseMs: number) => sql.type(claimedRow)`
  update actions a
  set fencing_token = a.fencing_token + 1, lease_expires_at = ${leaseExpiry(leaseMs)}, runner = ${runner}
  from deployments d
  where ${isWanted} and d.id = a.deployment_id and ${isClaimable}
  returning a.id as "actionId", a.fencing_token as "fencingToken", a.attempt, a.kind, d.id as "deploymentId", d.name,
    a.app_overrides, a.deployment_overrides, a.config_checked as "configChecked", ${caller} as actor, a.source,
    extract(epoch from now())::float8 * 1000 as "claimedAtMs", ${isBeingChecked(sql.fragment`d.id`)} as "isBeingChecked"`

const renewedRow = z.object({ cancel: z.boolean() })

/** Extends the lease to `leaseMs` from now on the database's clock. `cancel`: a user requested the cancel. */
export async function renew(
  pool: Database,
  { actionId, fencingToken }: Lease,
  leaseMs: number,
): Promise<{ cancel: boolean }> {
  const row = await pool.maybeOne(sql.type(renewedRow)`
    update actions set lease_expires_at = ${leaseExpiry(leaseMs)}, writer_token = ${fencingToken}
    where id = ${actionId} and fencing_token = ${fencingToken} and state in ('queued', 'running') and lease_expires_at > now()
    returning cancel_requested_at is not null as cancel`)
  if (row === null) throw new StaleLease(actionId, fencingToken)
  return row
}

/** `body` is null when the fencing token was stale; then nothing was written. */
const bodyRow = z.object({ body: z.custom<FullInfo>().nullable() })

/**
 * Commits `started_at` before the script is spawned, with the links that `info` printed (null: keep the stored ones).
 * The caller may repeat it when the answer was lost. Also throws StaleLease when a cancel was requested; `renew` shows
 * which of the two it was.
 */
export async function start(
  pool: Database,
  { actionId, fencingToken }: Lease,
  links: readonly Link[] | null,
): Promise<ChangeEvent> {
  const { body } = await pool.one(sql.type(bodyRow)`
    select start_action(${actionId}, ${fencingToken}, ${links === null ? null : toJsonb(links)}) as body`)
  if (body === null) throw new StaleLease(actionId, fencingToken)
  return toChangeEvent(body)
}

/**
 * Ends the lease early. Another runner then claims an action that has not started; the recovery ends one whose script
 * was interrupted. Call it only when the script has ended. Does nothing with a stale token.
 */
export async function release(pool: Database, { actionId, fencingToken }: Lease): Promise<void> {
  await pool.query(sql.unsafe`
    update actions set lease_expires_at = now(), writer_token = ${fencingToken}
    where id = ${actionId} and fencing_token = ${fencingToken} and state in ('queued', 'running') and lease_expires_at > now()`)
}

/** Ends the action and sets the deployment's status. A successful cleanup deletes the deployment. */
export async function finish(
  pool: Database,
  action: ClaimedAction,
  result: ScriptResult,
  failure: Failure | null = null,
): Promise<ChangeEvent> {
  const { actionId, fencingToken, deploymentId, kind, name } = action
  const state = stateFromResult(result)
  const status = statusAfterAction(kind, state === 'succeeded')
  if (status === null) {
    return pool.transaction(async (transaction) => {
      await endCleanupAction(transaction, action)
      return deleteDeploymentRow(transaction, deploymentId, name)
    })
  }
  const { body } = await pool.one(sql.type(bodyRow)`
    select finish_action(${actionId}, ${fencingToken}, ${state}, ${result.exitCode}, ${result.signal}, ${failure?.message ?? result.error},
      ${result.truncated}, ${status}, ${failure === null ? null : toJsonb(failure)}) as body`)
  if (body === null) throw new StaleLease(actionId, fencingToken)
  return toChangeEvent(body)
}

/** A deployment with an active action cannot be deleted, so the cleanup ends first. */
async function endCleanupAction(transaction: Transaction, { actionId, fencingToken }: Lease): Promise<void> {
  const ended = await transaction.query(sql.unsafe`
    update actions set state = 'succeeded', finished_at = now(), lease_expires_at = null, writer_token = ${fencingToken}
    where id = ${actionId} and fencing_token = ${fencingToken} and state in ('queued', 'running')`)
  if (ended.rowCount === 0) throw new StaleLease(actionId, fencingToken)
}

type EndedAction = { id: number; deploymentId: number; kind: ActionKind; name: string }

/**
 * Sets the status that the ended action leaves and makes the check due. An action that never started restores the
 * previous status and overrides.
 */
export async function applyFinalStatus(
  transaction: Transaction,
  ended: EndedAction,
  succeeded: boolean,
): Promise<ChangeEvent> {
  const status = statusAfterAction(ended.kind, succeeded)
  if (status === null) return deleteDeploymentRow(transaction, ended.deploymentId, ended.name)
  const { body } = await transaction.one(sql.type(bodyRow)`
    select finish_deployment(${ended.deploymentId}, ${status},
      (select previous_deployment from actions where id = ${ended.id})) as body`)
  if (body === null) throw new Error(`deployment ${ended.name} was deleted while its action ended`)
  return toChangeEvent(body)
}

const leaseExpiry = (leaseMs: number) => sql.fragment`now() + ${toInterval(leaseMs)}`
