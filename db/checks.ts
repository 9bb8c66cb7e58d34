/** Checks are claimed in batches by every runner (law 11): one slow check delays nobody, N runners share the work. */
import { sql } from 'slonik'
import { z } from 'zod'
import type { ChangeEvent } from '../domain/event.ts'
import { storedOverrides } from '../domain/shapes.ts'
import { type Status, statuses } from '../domain/status.ts'
import { changeOf } from './deployments.ts'
import type { Database } from './pool.ts'
import { interval } from './transition.ts'

const dueRow = z.object({
  id: z.number(),
  name: z.string(),
  status: z.enum(statuses),
  revision: z.number(),
  heldUntil: z.string(),
  pendingMs: z.number(),
  appOverrides: storedOverrides,
  deploymentOverrides: storedOverrides,
})
/** A deployment to check; `pendingMs` is how long it has had its status, `revision` what was checked, `heldUntil` whose check it is. */
export type DueCheck = z.infer<typeof dueRow>

/**
 * Takes up to `limit` deployments whose check is due, for `holdMs`: after that another runner may take them. They are
 * picked in an array, which is made once: of `in (select … limit …)` a plan may run the limit once a row.
 */
export async function claimChecks(
  pool: Database,
  limit: number,
  holdMs: number,
): Promise<readonly DueCheck[]> {
  return pool.any(sql.type(dueRow)`
    update deployments set next_check_at = now() + ${interval(holdMs)}
    where id = any(array(
      select id from deployments d
      where next_check_at <= now() and status not in ('Archived', 'CleanupFailed')
        and not exists (select from actions a where a.deployment_id = d.id and a.state in ('queued', 'running'))
      order by next_check_at limit ${limit} for update skip locked))
    returning id, name, status, revision, next_check_at::text as "heldUntil", extract(epoch from now() - status_updated_at)::float8 * 1000 as "pendingMs",
      app_overrides as "appOverrides", deployment_overrides as "deploymentOverrides"`)
}

const heldRow = z.object({ id: z.number(), was: z.string(), until: z.string() })

/**
 * Holds checks that are still under way for `holdMs` from now, and sets their `heldUntil`. One that another runner has taken
 * meanwhile, or whose deployment has moved on, stays as it is: its outcome will be refused.
 */
export async function holdChecks(pool: Database, checks: readonly DueCheck[], holdMs: number): Promise<void> {
  const [ids, untils] = [checks.map(({ id }) => id), checks.map(({ heldUntil }) => heldUntil)]
  const held = await pool.any(sql.type(heldRow)`
    update deployments d set next_check_at = now() + ${interval(holdMs)}
    from unnest(${sql.array(ids, 'int8')}, ${sql.array(untils, 'text')}) as held (id, until)
    where d.id = held.id and d.next_check_at = held.until::timestamptz
    returning d.id, held.until as was, d.next_check_at::text as until`)
  for (const { id, was, until } of held)
    for (const check of checks) if (check.id === id && check.heldUntil === was) check.heldUntil = until
}

export type Checked = {
  id: number
  was: Status
  revision: number
  heldUntil: string
  exitCode: number | null
  error: string | null
  nextInMs: number
}

/** Keeps the outcome where the status is unchanged; nothing happens if the deployment has moved on meanwhile. */
export async function keepCheck(pool: Database, checked: Checked): Promise<void> {
  await pool.query(sql.unsafe`
    update deployments set checked_at = now(), check_exit_code = ${checked.exitCode}, check_error = ${checked.error},
      next_check_at = now() + ${interval(checked.nextInMs)}
    where ${stillOurs(checked)}`)
}

/** Keeps the outcome and moves the deployment. Null: it has moved on meanwhile, the check was too late. */
export async function keepCheckAndMove(
  pool: Database,
  checked: Checked,
  to: Status,
): Promise<ChangeEvent | null> {
  return pool.transaction(async (transaction) => {
    const moved = await transaction.query(sql.unsafe`
      update deployments set checked_at = now(), check_exit_code = ${checked.exitCode}, check_error = ${checked.error},
        next_check_at = now() + ${interval(checked.nextInMs)}, status = ${to}, status_updated_at = now(),
        updated_at = now(), archived_at = ${to === 'Archived' ? sql.fragment`now()` : sql.fragment`archived_at`},
        revision = default
      where ${stillOurs(checked)}`)
    return moved.rowCount === 0 ? null : changeOf(transaction, checked.id)
  })
}

/**
 * What was checked is still there: every action that begins or ends raises the revision, also one that leaves the same
 * status behind, and whoever waited for the row compares with the row as it is then. And nobody has checked it since: a
 * runner that was frozen for longer than it may hold a check comes with old news.
 */
const stillOurs = ({ id, was, revision, heldUntil }: Checked) => sql.fragment`
  id = ${id} and status = ${was} and revision = ${revision} and next_check_at = ${heldUntil}::timestamptz
  and not exists (select from actions a where a.deployment_id = deployments.id and a.state in ('queued', 'running'))`
