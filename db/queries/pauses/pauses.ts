/**
 * Work that is paused for all deployments. Every runner and server reads it here, so a pause holds without Redis, after
 * restarts, and ends by the clock of the database. Called by functions/pauses and by the queries of what is paused.
 */
import { type FragmentSqlToken, sql } from 'slonik'
import { z } from 'zod'
import { ApiError } from '../../../domain/errors.ts'
import {
  allPausable,
  maxPauseSeconds,
  type Pausable,
  type Pause,
  pausable,
  pauseText,
} from '../../../domain/pauses/pause.ts'
import type { Database, Transaction } from '../../pool.ts'
import { type AuditActor, describeActor, insertAuditEntry } from '../audit/insert-entry.ts'
import { toInterval } from '../sql-fragments.ts'

const pauseRow = z.object({
  what: z.enum(allPausable),
  since: z.string(),
  until: z.string().nullable(),
  by: z.string(),
  reason: z.string(),
})

const pauseColumns = sql.fragment`what, to_api_time(paused_at) as since, to_api_time(paused_until) as until, paused_by as by, reason`
const isOn = sql.fragment`(pauses.paused_until is null or pauses.paused_until > now())`

/** What is paused now, without what only a later release can pause. */
export async function readPauses(pool: Database): Promise<readonly Pause[]> {
  return pool.any(
    sql.type(
      pauseRow,
    )`select ${pauseColumns} from pauses where what = any(${sql.array([...allPausable], 'text')}) and ${isOn} order by what`,
  )
}

/** As a condition of a statement. */
export const isPaused = (what: Pausable) =>
  sql.fragment`exists (select from pauses where what = ${sql.literalValue(what)} and ${isOn})`

export async function readIsPaused(pool: Database | Transaction, what: Pausable): Promise<boolean> {
  return pool.exists(sql.unsafe`select where ${isPaused(what)}`)
}

/** Whether a time, an SQL expression, is in the present or the last pause, and that one has ended less than `withinMs` ago. */
export const isInLastPause = (what: Pausable, at: FragmentSqlToken, withinMs: number) => sql.fragment`
  exists (select from pauses where what = ${sql.literalValue(what)} and ${at} >= paused_at
    and (paused_until is null or ${at} <= paused_until and paused_until > now() - ${toInterval(withinMs)}))`

export type NewPause = {
  what: Pausable
  reason: string
  until: string | null
  forMs: number | null
  replace: boolean
}

/**
 * Begins a pause, or changes the end and the reason of the present one. Null, and nothing changes: the end has passed or is more than
 * a year away. Throws already_paused for that of somebody else, unless `replace` is set.
 */
export async function startPause(
  pool: Database,
  { what, reason, until, forMs, replace }: NewPause,
  by: AuditActor,
): Promise<Pause | null> {
  const end =
    forMs === null ? sql.fragment`${until}::timestamptz` : sql.fragment`now() + ${toInterval(forMs)}`
  return pool.transaction(async (transaction) => {
    // Two first pauses at a time: the second waits here.
    await transaction.query(sql.unsafe`lock table pauses in share row exclusive mode`)
    const present = await transaction.maybeOne(sql.type(pauseRow)`
      select ${pauseColumns} from pauses where what = ${what} and ${isOn}`)
    const other = present?.by === describeActor(by) ? null : present
    if (other && !replace)
      throw new ApiError('already_paused', `${pausable[what].paused} already, by ${pauseText(other)}`)
    const pause = await transaction.maybeOne(sql.type(pauseRow)`
      insert into pauses (what, paused_until, paused_by, reason)
      select ${what}, paused_until, ${describeActor(by)}, ${reason} from (select ${end} as paused_until) as new
      where paused_until is null or paused_until between now() + interval '1 millisecond' and now() + ${toInterval(maxPauseSeconds * 1000)}
      on conflict (what) do update set paused_at = case when ${isOn} then pauses.paused_at else now() end,
        paused_until = excluded.paused_until, paused_by = excluded.paused_by, reason = excluded.reason
      returning ${pauseColumns}`)
    if (pause === null) return null
    const replaced = other ? { replaced: pauseText(other) } : {}
    const details = { paused: pausable[what].label, paused_until: pause.until, ...replaced }
    await insertAuditEntry(transaction, { by: { ...by, reason }, operation: 'pause', details })
    return pause
  })
}

/** Does nothing when there is no such pause. */
export async function endPause(pool: Database, what: Pausable, by: AuditActor): Promise<void> {
  await pool.transaction(async (transaction) => {
    const ended = await transaction.query(sql.unsafe`
      update pauses set paused_until = now() where what = ${what} and ${isOn}`)
    if (ended.rowCount === 0) return
    const details = { paused: pausable[what].label }
    await insertAuditEntry(transaction, { by, operation: 'resume', details })
  })
}
