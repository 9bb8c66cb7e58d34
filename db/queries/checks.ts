/**
 * Claiming health checks and saving their results. Every runner claims due checks in batches, so runners share the work
 * and a slow check delays no other. Called by runner/checks.
 */
import { sql } from 'slonik'
import { z } from 'zod'
import type { ChangeEvent } from '../../domain/event.ts'
import { nestOverrides, storedOverrides } from '../../domain/schemas.ts'
import { type Status, statuses, statusTable } from '../../domain/statuses.ts'
import type { Database } from '../pool.ts'
import { readChangeEvent } from './deployments.ts'
import { isCheckable, toInterval } from './sql-fragments.ts'

const dueRow = z
  .object({
    id: z.number(),
    name: z.string(),
    status: z.enum(statuses),
    revision: z.number(),
    leaseExpiresAt: z.string(),
    pendingMs: z.number(),
    app_overrides: storedOverrides,
    deployment_overrides: storedOverrides,
  })
  .transform(nestOverrides)
/**
 * A claimed deployment. `pendingMs`: how long it has had its status. `revision` and `leaseExpiresAt` identify the claim
 * when the result is saved.
 */
export type DueCheck = z.infer<typeof dueRow>

/**
 * Claims up to `limit` due checks for `leaseMs`; after that another runner may claim them. The subquery is in an array,
 * which is evaluated once: a plan of `in (select … limit …)` may evaluate the limit once for each row.
 */
export async function claimChecks(
  pool: Database,
  limit: number,
  leaseMs: number,
): Promise<readonly DueCheck[]> {
  return pool.any(sql.type(dueRow)`
    update deployments set next_check_at = now() + ${toInterval(leaseMs)}
    where id = any(array(
      select id from deployments d
      where next_check_at <= now() and ${isCheckable}
      order by next_check_at limit ${limit} for update skip locked))
    returning id, name, status, revision, app_overrides, deployment_overrides, next_check_at::text as "leaseExpiresAt",
      extract(epoch from now() - status_updated_at)::float8 * 1000 as "pendingMs"`)
}

const renewedRow = z.object({ id: z.number(), expiresAt: z.string(), newExpiresAt: z.string() })

/**
 * Extends the leases of running checks to `leaseMs` from now and updates their `leaseExpiresAt`. Skips a check that
 * another runner has claimed or whose deployment has changed; its result will be rejected.
 */
export async function renewCheckLeases(
  pool: Database,
  checks: readonly DueCheck[],
  leaseMs: number,
): Promise<void> {
  const ids = checks.map(({ id }) => id)
  const expiries = checks.map(({ leaseExpiresAt }) => leaseExpiresAt)
  const renewed = await pool.any(sql.type(renewedRow)`
    update deployments d set next_check_at = now() + ${toInterval(leaseMs)}
    from unnest(${sql.array(ids, 'int8')}, ${sql.array(expiries, 'text')}) as lease (id, expires_at)
    where d.id = lease.id and d.next_check_at = lease.expires_at::timestamptz
    returning d.id, lease.expires_at as "expiresAt", d.next_check_at::text as "newExpiresAt"`)
  for (const { id, expiresAt, newExpiresAt } of renewed)
    for (const check of checks)
      if (check.id === id && check.leaseExpiresAt === expiresAt) check.leaseExpiresAt = newExpiresAt
}

export type CheckResult = {
  id: number
  statusWhenClaimed: Status
  revision: number
  leaseExpiresAt: string
  exitCode: number | null
  error: string | null
  nextCheckInMs: number
}

/** Saves a result that leaves the status unchanged. Does nothing if the deployment has changed since the claim. */
export async function saveCheckResult(pool: Database, result: CheckResult): Promise<void> {
  await pool.query(sql.unsafe`
    update deployments set checked_at = now(), check_exit_code = ${result.exitCode}, check_error = ${result.error},
      next_check_at = now() + ${toInterval(result.nextCheckInMs)}
    where ${unchangedSinceClaim(result)}`)
}

/**
 * Saves a result and the new status. Returns null, and changes nothing, if the deployment has changed since the claim.
 */
export async function saveCheckResultAndStatus(
  pool: Database,
  result: CheckResult,
  newStatus: Status,
): Promise<ChangeEvent | null> {
  return pool.transaction(async (transaction) => {
    const updated = await transaction.query(sql.unsafe`
      update deployments set checked_at = now(), check_exit_code = ${result.exitCode}, check_error = ${result.error},
        next_check_at = now() + ${toInterval(result.nextCheckInMs)}, status = ${newStatus}, status_updated_at = now(),
        updated_at = now(), archived_at = ${statusTable[newStatus].startsRetention ? sql.fragment`now()` : sql.fragment`archived_at`},
        revision = default
      where ${unchangedSinceClaim(result)}`)
    return updated.rowCount === 0 ? null : readChangeEvent(transaction, result.id)
  })
}

/**
 * Every start and end of an action raises the revision, also when the status stays the same. A different
 * `next_check_at` means that the lease expired and another runner has checked the deployment since.
 */
const unchangedSinceClaim = ({
  id,
  statusWhenClaimed,
  revision,
  leaseExpiresAt,
}: CheckResult) => sql.fragment`
  id = ${id} and status = ${statusWhenClaimed} and revision = ${revision} and next_check_at = ${leaseExpiresAt}::timestamptz
  and not exists (select from actions a where a.deployment_id = deployments.id and a.state in ('queued', 'running'))`
