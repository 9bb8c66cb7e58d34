/** Checks are claimed in batches by every runner (law 11): one slow check delays nobody, N runners share the work. */
import { sql } from 'slonik'
import { z } from 'zod'
import type { ChangeEvent } from '../../domain/event.ts'
import { nestOverrides, storedOverrides } from '../../domain/schemas.ts'
import { type Status, statuses } from '../../domain/statuses.ts'
import type { Database } from '../pool.ts'
import { toInterval } from './action-lifecycle.ts'
import { readChangeEvent } from './deployments.ts'

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
/** A deployment to check; `pendingMs` is how long it has had its status, `revision` what was checked, `leaseExpiresAt` whose check it is. */
export type DueCheck = z.infer<typeof dueRow>

/**
 * Takes up to `limit` deployments whose check is due, for `holdMs`: after that another runner may take them. They are
 * picked in an array, which is made once: of `in (select … limit …)` a plan may run the limit once a row.
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
      where next_check_at <= now() and status not in ('Archived', 'CleanupFailed')
        and not exists (select from actions a where a.deployment_id = d.id and a.state in ('queued', 'running'))
      order by next_check_at limit ${limit} for update skip locked))
    returning id, name, status, revision, next_check_at::text as "leaseExpiresAt", extract(epoch from now() - status_updated_at)::float8 * 1000 as "pendingMs",
      app_overrides, deployment_overrides`)
}

const renewedRow = z.object({ id: z.number(), was: z.string(), until: z.string() })

/**
 * Holds checks that are still under way for `holdMs` from now, and sets their `leaseExpiresAt`. One that another runner has taken
 * meanwhile, or whose deployment has moved on, stays as it is: its outcome will be refused.
 */
export async function renewCheckLeases(
  pool: Database,
  checks: readonly DueCheck[],
  leaseMs: number,
): Promise<void> {
  const [ids, untils] = [checks.map(({ id }) => id), checks.map(({ leaseExpiresAt }) => leaseExpiresAt)]
  const held = await pool.any(sql.type(renewedRow)`
    update deployments d set next_check_at = now() + ${toInterval(leaseMs)}
    from unnest(${sql.array(ids, 'int8')}, ${sql.array(untils, 'text')}) as held (id, until)
    where d.id = held.id and d.next_check_at = held.until::timestamptz
    returning d.id, held.until as was, d.next_check_at::text as until`)
  for (const { id, was, until } of held)
    for (const check of checks)
      if (check.id === id && check.leaseExpiresAt === was) check.leaseExpiresAt = until
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

/** Keeps the outcome where the status is unchanged; nothing happens if the deployment has moved on meanwhile. */
export async function saveCheckResult(pool: Database, result: CheckResult): Promise<void> {
  await pool.query(sql.unsafe`
    update deployments set checked_at = now(), check_exit_code = ${result.exitCode}, check_error = ${result.error},
      next_check_at = now() + ${toInterval(result.nextCheckInMs)}
    where ${unchangedSinceClaim(result)}`)
}

/** Keeps the outcome and moves the deployment. Null: it has moved on meanwhile, the check was too late. */
export async function saveCheckResultAndStatus(
  pool: Database,
  result: CheckResult,
  newStatus: Status,
): Promise<ChangeEvent | null> {
  return pool.transaction(async (transaction) => {
    const updated = await transaction.query(sql.unsafe`
      update deployments set checked_at = now(), check_exit_code = ${result.exitCode}, check_error = ${result.error},
        next_check_at = now() + ${toInterval(result.nextCheckInMs)}, status = ${newStatus}, status_updated_at = now(),
        updated_at = now(), archived_at = ${newStatus === 'Archived' ? sql.fragment`now()` : sql.fragment`archived_at`},
        revision = default
      where ${unchangedSinceClaim(result)}`)
    return updated.rowCount === 0 ? null : readChangeEvent(transaction, result.id)
  })
}

/**
 * What was checked is still there: every action that begins or ends raises the revision, also one that leaves the same
 * status behind, and whoever waited for the row compares with the row as it is then. And nobody has checked it since: a
 * runner that was frozen for longer than it may hold a check comes with old news.
 */
const unchangedSinceClaim = ({
  id,
  statusWhenClaimed,
  revision,
  leaseExpiresAt,
}: CheckResult) => sql.fragment`
  id = ${id} and status = ${statusWhenClaimed} and revision = ${revision} and next_check_at = ${leaseExpiresAt}::timestamptz
  and not exists (select from actions a where a.deployment_id = deployments.id and a.state in ('queued', 'running'))`
