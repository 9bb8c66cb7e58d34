/**
 * Deliveries of notifications: each is claimed by a runner for a time, and is deleted when it was received. One whose
 * runner was lost is claimed again, so it is sent at least once. Called by runner/notifications and functions/webhooks.
 */
import { sql } from 'slonik'
import { z } from 'zod'
import type { Grant } from '../../../domain/access/roles.ts'
import { type NotificationEvent, notificationEvent } from '../../../domain/notifications/event.ts'
import type { Database } from '../../pool.ts'
import { type AuditActor, auditEntryCall } from '../audit/insert-entry.ts'
import { isInLastPause, isPaused } from '../pauses/pauses.ts'
import { matchesGrants, toInterval } from '../sql-fragments.ts'

const deliveryRow = z.object({
  id: z.number(),
  event_id: z.string(),
  receiver: z.string(),
  deployment: z.string(),
  event: z.record(z.string(), z.unknown()),
  attempts: z.number(),
})
/** `attempts`: with the one that begins now. */
export type Delivery = {
  id: number
  eventId: string
  receiver: string
  attempts: number
  event: NotificationEvent
}

/** `free`: how many more this runner can send now. `inOrder`: of a deployment, only the oldest delivery. */
export type ReceiverCapacity = { receiver: string; free: number; inOrder: boolean }

/**
 * Claims the oldest deliveries that are due, for `holdMs`; none while notifications are paused. One that a newer version of Octopod has stored, with a status that this
 * version does not know, counts as failed: it would hold up the others of its deployment.
 */
export async function claimDeliveries(
  pool: Database,
  runner: string,
  capacities: readonly ReceiverCapacity[],
  holdMs: number,
): Promise<Delivery[]> {
  const list = JSON.stringify(
    capacities.map(({ receiver, free, inOrder }) => ({ receiver, free, in_order: inOrder })),
  )
  const rows = await pool.any(sql.type(deliveryRow)`
    with due as (
      select picked.id
      from jsonb_to_recordset(${list}::jsonb) as r (receiver text, free int, in_order boolean)
      cross join lateral (
        select d.id from deliveries d
        where d.receiver = r.receiver and d.failed_at is null and d.next_attempt_at <= now() and not ${isPaused('notifications')}
          and (d.held_until is null or d.held_until <= now())
          -- Read once: without it, each of the thousands that wait for a hanging script is looked up below.
          and not (r.in_order and d.deployment = any(array(
            select h.deployment from deliveries h
            where h.receiver = r.receiver and h.failed_at is null and h.held_until > now())))
          and not (r.in_order and exists (
            select from deliveries o
            where o.receiver = d.receiver and o.deployment = d.deployment and o.id < d.id and o.failed_at is null))
        order by d.id limit r.free for update skip locked) picked),
    claimed as (
      update deliveries d
      set runner = ${runner}, held_until = now() + ${toInterval(holdMs)}, attempts = attempts + 1
      from due where d.id = due.id
      returning d.id, d.event_id, d.receiver, d.deployment, d.event, d.attempts)
    select * from claimed order by id`)
  const deliveries: Delivery[] = []
  for (const { event_id, deployment, event, ...row } of rows) {
    const parsed = notificationEvent.safeParse({ ...event, deployment })
    if (parsed.success) deliveries.push({ ...row, eventId: event_id, event: parsed.data })
    else await failDelivery(pool, row.id, runner, 'This version of Octopod cannot read it.', null)
  }
  return deliveries
}

const isHeldBy = (id: number, runner: string) =>
  sql.fragment`id = ${id} and runner = ${runner} and held_until is not null`

export async function deleteDelivery(pool: Database, id: number, runner: string): Promise<void> {
  await pool.query(sql.unsafe`delete from deliveries where ${isHeldBy(id, runner)}`)
}

/** For a delivery that was interrupted: any runner may send it at once. */
export async function releaseDelivery(pool: Database, id: number, runner: string): Promise<void> {
  await pool.query(sql.unsafe`
    update deliveries set runner = null, held_until = null, attempts = attempts - 1 where ${isHeldBy(id, runner)}`)
}

/** `retryAfterMs`: null after the last attempt. */
export async function failDelivery(
  pool: Database,
  id: number,
  runner: string,
  error: string,
  retryAfterMs: number | null,
): Promise<void> {
  await pool.query(sql.unsafe`
    update deliveries set runner = null, held_until = null, last_error = ${error},
      failed_at = case when ${retryAfterMs === null}::boolean then now() end,
      next_attempt_at = now() + ${toInterval(retryAfterMs ?? 0)}
    where ${isHeldBy(id, runner)}`)
}

/** So many deliveries may wait for a slow receiver, and so many that have failed are kept in all. */
const maxKept = 10_000
/** One that failed, or whose receiver is gone, is kept for so long. */
const keepMs = 30 * 24 * 3600 * 1000

/** Of a row of this name: it waits, and only because of a pause. After the usual time the pause counts no more. */
const hasWaitedForPause = (row: 'd' | 'n') => {
  const column = (name: string) => sql.identifier([row, name])
  const isOfPause = isInLastPause('notifications', sql.fragment`${column('created_at')}`, keepMs)
  return sql.fragment`(${column('failed_at')} is null and ${isOfPause})`
}

const isNotHeld = sql.fragment`(d.held_until is null or d.held_until <= now())`

/** The receivers of deliveries, also those that the policy no longer names. */
async function listReceivers(pool: Database): Promise<readonly string[]> {
  return pool.anyFirst(sql.type(z.object({ receiver: z.string() }))`
    with recursive receivers (receiver) as (
      (select receiver from deliveries where failed_at is null order by receiver limit 1)
      union all
      select (select d.receiver from deliveries d where d.failed_at is null and d.receiver > r.receiver order by d.receiver limit 1)
      from receivers r where r.receiver is not null)
    select receiver from receivers where receiver is not null`)
}

/**
 * Deletes the oldest waiting deliveries of each receiver that has more than `limit`, at most `batchSize` of each at once, and never
 * one that is being sent: the next one of its deployment would be sent beside it. Those of a pause neither count nor are deleted. None
 * while notifications or retention are paused. Returns how many.
 */
export async function dropOldestDeliveries(
  pool: Database,
  limit = maxKept,
  batchSize = 5000,
): Promise<number> {
  let count = 0
  for (const receiver of await listReceivers(pool)) {
    const dropped = await pool.query(sql.unsafe`
      delete from deliveries where id = any(array(
        select d.id from deliveries d
        where d.receiver = ${receiver} and d.failed_at is null and ${isNotHeld} and not ${isPaused('notifications')}
          and not ${isPaused('retention')} and not ${hasWaitedForPause('d')} and d.id <= (
          select n.id from deliveries n where n.receiver = ${receiver} and n.failed_at is null and not ${hasWaitedForPause('n')}
          order by n.id desc offset ${limit} limit 1)
        order by d.id limit ${batchSize} for update skip locked))`)
    count += dropped.rowCount
  }
  return count
}

/** Deletes old deliveries, and the oldest failed ones beyond `limit`, at most 1,000 of each in one call; none while retention is paused. */
export async function deleteOldDeliveries(pool: Database, limit = maxKept): Promise<void> {
  await pool.query(sql.unsafe`
    delete from deliveries where id = any(array(
      select d.id from deliveries d where d.created_at < now() - ${toInterval(keepMs)} and ${isNotHeld}
        and not ${hasWaitedForPause('d')} and (d.failed_at is not null or not ${isPaused('notifications')}) and not ${isPaused('retention')}
      order by d.created_at limit 1000 for update skip locked))`)
  await pool.query(sql.unsafe`
    delete from deliveries where id = any(array(
      select d.id from deliveries d where not ${isPaused('retention')} and d.failed_at < (
        select n.failed_at from deliveries n where n.failed_at is not null
        order by n.failed_at desc offset ${limit - 1} limit 1)
      order by d.failed_at limit 1000 for update skip locked))`)
}

const countRow = z.object({
  receiver: z.string(),
  waiting: z.number(),
  failed: z.number(),
  last_error: z.string().nullable(),
})

/** How many deliveries of each receiver wait and have failed. `last_error`: of the newest that was not received. */
export async function countDeliveries(
  pool: Database,
): Promise<ReadonlyMap<string, z.output<typeof countRow>>> {
  const rows = await pool.any(sql.type(countRow)`
    select c.*, (select d.last_error from deliveries d where d.receiver = c.receiver and d.last_error is not null
      order by d.id desc limit 1) as last_error
    from (select receiver, count(*) filter (where failed_at is null)::int as waiting,
        count(*) filter (where failed_at is not null)::int as failed
      from deliveries group by receiver) c`)
  return new Map(rows.map((row) => [row.receiver, row]))
}

const troubleRow = z.object({ receiver: z.string(), failed: z.number(), waitingWithError: z.number() })

/** Receivers whose attempts fail: how many deliveries were given up, and how many are tried again. */
export async function countTroubles(pool: Database): Promise<readonly z.output<typeof troubleRow>[]> {
  return pool.any(sql.type(troubleRow)`
    select receiver, count(*) filter (where failed_at is not null)::int as failed,
      count(*) filter (where failed_at is null and last_error is not null)::int as "waitingWithError"
    from deliveries group by receiver having count(coalesce(last_error, failed_at::text)) > 0
    order by receiver limit 100`)
}

const failedRow = z.object({
  id: z.number(),
  receiver: z.string(),
  deployment: z.string(),
  event: z.object({ old_status: z.string(), new_status: z.string(), at: z.string() }),
  attempts: z.number(),
  last_error: z.string().nullable(),
  failed_at: z.string(),
})

/** `grants`: of these deployments only; null: of all. The newest first. */
export async function listFailedDeliveries(
  pool: Database,
  limit: number,
  grants: readonly Grant[] | null,
): Promise<readonly z.output<typeof failedRow>[]> {
  return pool.any(sql.type(failedRow)`
    select id, receiver, deployment, event, attempts, last_error,
      to_char(failed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as failed_at
    from deliveries where failed_at is not null and ${isOfGrants(grants)} order by failed_at desc, id desc limit ${limit}`)
}

const isOfGrants = (grants: readonly Grant[] | null) =>
  grants === null ? sql.fragment`true` : matchesGrants(grants)

/** Sends a failed delivery again, with all attempts. Returns false when there is no such one for a deployment of `grants`. */
export async function resendDelivery(
  pool: Database,
  id: number,
  by: AuditActor,
  grants: readonly Grant[] | null,
): Promise<boolean> {
  const entry = auditEntryCall(
    { by, operation: 'resend_notification' },
    sql.fragment`jsonb_build_object('receiver', receiver)`,
    sql.fragment`deployment`,
  )
  const resent = await pool.query(sql.unsafe`
    with resent as (
      update deliveries set failed_at = null, attempts = 0, next_attempt_at = now()
      where id = ${id} and failed_at is not null and ${isOfGrants(grants)} returning deployment, receiver)
    select ${entry} from resent`)
  return resent.rowCount > 0
}
