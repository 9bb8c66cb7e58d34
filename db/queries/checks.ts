/**
 * Claiming health checks and saving their results. Every runner claims due checks in batches, so runners share the work
 * and a slow check delays no other. Also ends the wait for a check. Called by runner/checks and functions/deployments.
 */
import { type FragmentSqlToken, sql } from 'slonik'
import { z } from 'zod'
import type { Target } from '../../domain/access/roles.ts'
import { ApiError, deploymentBusy } from '../../domain/errors.ts'
import type { ChangeEvent } from '../../domain/event.ts'
import type { Failure } from '../../domain/failures/failure.ts'
import { nestOverrides, storedOverrides } from '../../domain/schemas.ts'
import { isFailure, isPending, type Status, statuses, statusTable } from '../../domain/statuses.ts'
import type { Database } from '../pool.ts'
import { type AuditActor, describeActor, insertAuditEntry } from './audit/insert-entry.ts'
import { lockDeployment, readChangeEvent } from './deployments.ts'
import { type BeginWrite, claimIdempotencyKey, type IdempotencyKey, requireInTime } from './idempotency.ts'
import { isPaused, readIsPaused } from './pauses/pauses.ts'
import { hasNoActiveAction, isBeingChecked, pendingStatuses, toInterval, toJsonb } from './sql-fragments.ts'

const dueRow = z
  .object({
    id: z.number(),
    name: z.string(),
    status: z.enum(statuses),
    claim: z.number(),
    dueAtUs: z.number(),
    pendingMs: z.number(),
    app_overrides: storedOverrides,
    deployment_overrides: storedOverrides,
  })
  .transform(nestOverrides)
/**
 * A claimed deployment. `claim` is a number that identifies the claim when it is renewed and when the result is saved.
 * `dueAtUs`: when the check was due, in microseconds; with it the index finds the row without the entries of earlier
 * checks. `pendingMs`: how long the deployment has had its status.
 */
export type DueCheck = z.infer<typeof dueRow>

/**
 * Claims up to `limit` due checks for `leaseMs`, the most overdue first; after that another runner may claim them.
 * `sinceUs` (null: none) limits the search to checks that became due since then, or in the last seconds ({@link
 * createCheckClaimer}). The subquery is in an array, which is evaluated once: a plan of `in (select … limit …)` may
 * evaluate the limit once for each row. It names the locked rows by their place (`ctid`), because the index by
 * deployment may have many old entries for each. `onlyPending`: only of deployments that wait for a check, as while checks are paused.
 */
export async function claimChecks(
  pool: Database,
  limit: number,
  leaseMs: number,
  sinceUs: number | null = null,
  onlyPending = false,
): Promise<readonly DueCheck[]> {
  // A search of everything sorts what it finds: a bitmap of the index reads each page of the table once, also for many
  // old entries.
  const search =
    sinceUs === null
      ? { since: sql.fragment`true`, order: sql.fragment`c.next_check_at + interval '0'` }
      : {
          since: sql.fragment`c.next_check_at >= least(${fromMicroseconds(sql.fragment`${sinceUs}::bigint`)}, now() - interval '5 seconds')`,
          order: sql.fragment`c.next_check_at`,
        }
  return pool.any(sql.type(dueRow)`
    update deployment_checks c set claim = claim + 1, lease_expires_at = now() + ${toInterval(leaseMs)}
    from deployments d
    where d.id = c.deployment_id and c.ctid = any(array(
      select c.ctid from deployment_checks c
      where c.next_check_at <= now() and ${search.since} and (c.lease_expires_at is null or c.lease_expires_at <= now())
        and ${hasNoActiveAction(sql.fragment`c.deployment_id`)} and ${onlyPending ? waitsForCheck(sql.fragment`c.deployment_id`) : sql.fragment`true`}
      order by ${search.order} limit ${limit} for update of c skip locked))
    returning d.id, d.name, d.status, d.app_overrides, d.deployment_overrides, c.claim,
      (extract(epoch from c.next_check_at) * 1000000)::bigint as "dueAtUs",
      extract(epoch from now() - d.status_updated_at)::float8 * 1000 as "pendingMs"`)
}

/** True for a deployment that waits for the check after an action: a pause of checks does not concern it. `id` is an SQL expression. */
const waitsForCheck = (id: FragmentSqlToken) => sql.fragment`
  exists (select from deployments w where w.id = ${id} and w.status in (${pendingStatuses}))`

const searchAllEveryMs = 15_000

/**
 * {@link claimChecks} for a runner that repeats it. While a transaction elsewhere stays open, PostgreSQL keeps the
 * index entry of every check since its start, and a search from the beginning would read them all, each time. The
 * search starts where the last one ended instead. Every 15 seconds and after a pause of checks it starts at the beginning:
 * it finds the checks of lost runners, and those that were locked. During a pause all searches are from the beginning, for few checks.
 */
export function createCheckClaimer(
  pool: Database,
): (limit: number, leaseMs: number) => Promise<readonly DueCheck[]> {
  let sinceUs = 0
  let searchedAllAt = Number.NEGATIVE_INFINITY
  return async (limit, leaseMs) => {
    if (await readIsPaused(pool, 'checks')) {
      searchedAllAt = Number.NEGATIVE_INFINITY
      return claimChecks(pool, limit, leaseMs, null, true)
    }
    const startedAt = performance.now()
    const searchesAll = startedAt - searchedAllAt >= searchAllEveryMs
    const checks = await claimChecks(pool, limit, leaseMs, searchesAll ? null : sinceUs)
    if (searchesAll) searchedAllAt = startedAt
    // Fewer than `limit`: nothing else is due.
    sinceUs =
      checks.length < limit ? Number.MAX_SAFE_INTEGER : Math.max(...checks.map(({ dueAtUs }) => dueAtUs))
    return checks
  }
}

type Claim = Pick<DueCheck, 'id' | 'claim' | 'dueAtUs'>
const heldRow = z.object({ id: z.number() })

/**
 * Extends the leases of running checks to `leaseMs` from now. Returns the ids of those that are still held: the result
 * of another one will be rejected, because an action has begun or ended, or another runner has claimed the check.
 */
export async function renewCheckLeases(
  pool: Database,
  checks: readonly Claim[],
  leaseMs: number,
): Promise<ReadonlySet<number>> {
  const column = (name: keyof Claim) =>
    sql.array(
      checks.map((check) => check[name]),
      'int8',
    )
  const held = await pool.anyFirst(sql.type(heldRow)`
    update deployment_checks c set lease_expires_at = now() + ${toInterval(leaseMs)}
    from unnest(${column('id')}, ${column('claim')}, ${column('dueAtUs')}) as held (id, claim, due_at_us)
    where c.next_check_at = ${fromMicroseconds(sql.fragment`held.due_at_us`)} and c.deployment_id = held.id and c.claim = held.claim
      and ${hasNoActiveAction(sql.fragment`held.id`)}
    returning c.deployment_id as id`)
  return new Set(held)
}

export type CheckResult = Claim & {
  exitCode: number | null
  /** Why the check failed; null after a success. */
  failure: Failure | null
  nextCheckInMs: number
  /** Identifies the deployment config of the deployment. Without it the stored one stays. */
  configHash?: string | null
  /** How long a pending status lasts at most. Without it the stored one stays. */
  statusTimeoutMs?: number
}

/** Saves a result that leaves the status unchanged. Returns false, and changes nothing, if the claim or the right to check is lost ({@link isHeld}). */
export async function saveCheckResult(pool: Database, result: CheckResult): Promise<boolean> {
  const saved = await pool.query(sql.unsafe`
    update deployment_checks set ${resultColumns(result)}
    where ${isHeld(result)}`)
  return saved.rowCount > 0
}

/** Ends the lease of a check without a result. Call it only when the check has ended. */
export async function releaseCheck(
  pool: Database,
  { id, claim }: Pick<DueCheck, 'id' | 'claim'>,
): Promise<void> {
  await pool.query(sql.unsafe`
    update deployment_checks set lease_expires_at = null where deployment_id = ${id} and claim = ${claim}`)
}

const runningRow = z.object({ isRunning: z.boolean() })

/** Whether a check of the deployment may run. */
export async function isCheckRunning(pool: Database, deploymentId: number): Promise<boolean> {
  return pool.oneFirst(sql.type(runningRow)`
    select ${isBeingChecked(sql.fragment`${deploymentId}::bigint`)} as "isRunning"`)
}

/** Saves a result and the new status. Returns null, and changes nothing, if the claim or the right to check is lost ({@link isHeld}). */
export async function saveCheckResultAndStatus(
  pool: Database,
  result: CheckResult,
  newStatus: Status,
): Promise<ChangeEvent | null> {
  return pool.transaction(async (transaction) => {
    // Waits for an action that begins or ends. The next statement sees what it has committed.
    await transaction.query(sql.unsafe`select from deployments where id = ${result.id} for update`)
    const updated = await transaction.query(sql.unsafe`
      update deployments set status = ${newStatus}, status_updated_at = now(), updated_at = now(),
        archived_at = ${statusTable[newStatus].startsRetention ? sql.fragment`now()` : sql.fragment`archived_at`},
        revision = default
      where id = ${result.id}
        and exists (select from deployment_checks where ${isHeld(result)})`)
    if (updated.rowCount === 0) return null
    await transaction.query(sql.unsafe`
      update deployment_checks set ${resultColumns(result)} where deployment_id = ${result.id}`)
    return readChangeEvent(transaction, result.id)
  })
}

/**
 * A claim that PostgreSQL granted while an action began has the right number. So the action is looked for as well. A check that runs
 * when a pause begins says nothing: it may see what the pause is for.
 */
const isHeld = ({ id, claim, dueAtUs }: Claim) => sql.fragment`
  next_check_at = ${fromMicroseconds(sql.fragment`${dueAtUs}::bigint`)} and deployment_id = ${id} and claim = ${claim} and ${hasNoActiveAction(sql.fragment`${id}::bigint`)}
  and (not ${isPaused('checks')} or ${waitsForCheck(sql.fragment`${id}::bigint`)})`

/** The claim ends, so that a late renewal changes nothing. A status without checks keeps its null. */
const resultColumns = ({
  exitCode,
  failure,
  nextCheckInMs,
  configHash,
  statusTimeoutMs,
}: CheckResult) => sql.fragment`
  checked_at = now(), exit_code = ${exitCode}, error = ${failure?.message ?? null},
  failure = ${failure === null ? null : toJsonb(failure)}, claim = claim + 1, lease_expires_at = null,
  config_hash = coalesce(${configHash ?? null}, config_hash),
  status_update_timeout = coalesce(${statusTimeoutMs === undefined ? null : toInterval(statusTimeoutMs)}, status_update_timeout),
  next_check_at = case when next_check_at is not null then now() + ${toInterval(nextCheckInMs)} end`

const fromMicroseconds = (microseconds: FragmentSqlToken) => sql.fragment`
  (timestamptz '1970-01-01 00:00:00+00' + ${microseconds} * interval '1 microsecond')`

const waitingRow = z.object({
  id: z.number(),
  status: z.enum(statuses),
  stoppedBy: z.string().nullable(),
})

/**
 * A pending deployment without an active action becomes a failure. The row lock decides between this request and a check
 * that passes at the same moment: the check first, and the request is refused; the request first, and the result of the
 * check is rejected (plan_check). A repeated call changes nothing and returns null. Throws no_such_deployment, busy,
 * invalid_transition, idempotency_key_reused.
 */
export async function stopWaiting(
  pool: Database,
  name: string,
  by: AuditActor,
  requireRight: (deployment: Target) => void,
  key: IdempotencyKey | undefined,
  begin: BeginWrite,
): Promise<ChangeEvent | null> {
  return pool.transaction(async (transaction) => {
    const window = await begin()
    if (key && (await claimIdempotencyKey(transaction, key)) !== null) return null
    const { id: locked, owner } = await lockDeployment(transaction, name)
    requireRight({ name, owner })
    // A second statement sees what was committed while this one waited for the lock.
    const { id, status, stoppedBy } = await transaction.one(sql.type(waitingRow)`
      select d.id, d.status, c.stopped_waiting_by as "stoppedBy"
      from deployments d join deployment_checks c on c.deployment_id = d.id where d.id = ${locked}`)
    const isBusy = await transaction.exists(sql.unsafe`
      select from actions where deployment_id = ${id} and state in ('queued', 'running')`)
    if (isBusy) throw deploymentBusy(name)
    if (isFailure(status) && stoppedBy !== null) return null
    if (!isPending(status))
      throw new ApiError(
        'invalid_transition',
        `Deployment ${name} does not wait for a check: it is ${statusTable[status].label}.`,
      )
    await requireInTime(transaction, key, window)
    await transaction.query(sql.unsafe`
      update deployments set status = 'GenericFailure', status_updated_at = now(), updated_at = now(), revision = default
      where id = ${id}`)
    // After the status: its trigger clears the name.
    await transaction.query(sql.unsafe`
      update deployment_checks set stopped_waiting_by = ${describeActor(by)} where deployment_id = ${id}`)
    const details = { status: { before: status, after: 'GenericFailure' } }
    await insertAuditEntry(transaction, { by, operation: 'stop_waiting', deployment: name, details })
    return readChangeEvent(transaction, id)
  })
}
