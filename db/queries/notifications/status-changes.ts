/** Status changes, which the schema records, become deliveries. Called by runner/notifications. */
import { sql } from 'slonik'
import { z } from 'zod'
import { notifiedFailure } from '../../../domain/failures/failure-schemas.ts'
import type { NotificationEvent } from '../../../domain/notifications/event.ts'
import type { Status } from '../../../domain/statuses.ts'
import type { Database } from '../../pool.ts'
import { toJsonb } from '../sql-fragments.ts'

const statusChangeRow = z.object({
  id: z.number(),
  event_id: z.string(),
  deployment: z.string(),
  old_status: z.string(),
  new_status: z.string(),
  at: z.string(),
  failure: notifiedFailure.nullable().catch(null),
  action: z.object({ id: z.number(), kind: z.string(), actor: z.string() }).nullable(),
})

/** Any number that no other advisory lock of Octopod has. */
const distributionLock = 7_264_017

/** Names the receivers of a status change. */
export type ReceiversOf = (event: NotificationEvent) => readonly string[]

/** One transaction reads no more changes, and inserts no more deliveries: each statement has a time limit. */
const maxChanges = 500
const maxDeliveries = 1000

/**
 * Replaces the oldest status changes by deliveries to their receivers. `readReceivers` is called when there is a change.
 * Returns how many changes these were. One runner at a time does it, so that the deliveries of a deployment have the
 * order of its changes; for the others the answer is 0.
 */
export async function distributeStatusChanges(
  pool: Database,
  readReceivers: () => Promise<ReceiversOf>,
  limit = maxChanges,
): Promise<number> {
  if (!(await pool.exists(sql.unsafe`select from status_changes`))) return 0
  const receiversOf = await readReceivers()
  return pool.transaction(async (transaction) => {
    const isLocked = await transaction.oneFirst(
      sql.type(
        z.object({ locked: z.boolean() }),
      )`select pg_try_advisory_xact_lock(${distributionLock}) as locked`,
    )
    if (!isLocked) return 0
    // Locked, because a runner of an earlier version takes changes without the advisory lock.
    const changes = await transaction.any(sql.type(statusChangeRow)`
      select c.id, c.event_id, c.deployment, c.old_status, c.new_status, c.failure,
        to_char(c.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at,
        (select json_build_object('id', a.id, 'kind', a.kind, 'actor', a.actor) from actions a where a.id = c.action_id) as action
      from status_changes c order by c.id limit ${limit} for update of c`)
    const { ids, deliveries } = toDeliveries(changes, receiversOf)
    await transaction.query(sql.unsafe`delete from status_changes where id = any(${sql.array(ids, 'int8')})`)
    if (deliveries.length > 0)
      await transaction.query(sql.unsafe`
        insert into deliveries (event_id, receiver, deployment, event)
        select (d ->> 'event_id')::uuid, receiver, d ->> 'deployment', d -> 'event'
        from jsonb_array_elements(${toJsonb(deliveries)}) with ordinality as list (d, position)
        cross join lateral jsonb_array_elements_text(d -> 'receivers') as receiver order by position`)
    return ids.length
  })
}

/** The first of the changes that together have no more than `maxDeliveries`, at least one. */
function toDeliveries(changes: readonly z.output<typeof statusChangeRow>[], receiversOf: ReceiversOf) {
  const ids: number[] = []
  const deliveries: object[] = []
  let count = 0
  for (const { id, event_id, ...change } of changes) {
    const event = {
      ...change,
      old_status: change.old_status as Status,
      new_status: change.new_status as Status,
    }
    const receivers = receiversOf(event)
    count += receivers.length
    if (count > maxDeliveries && ids.length > 0) break
    ids.push(id)
    const { deployment, ...rest } = event
    if (receivers.length > 0) deliveries.push({ event_id, deployment, event: rest, receivers })
  }
  return { ids, deliveries }
}
