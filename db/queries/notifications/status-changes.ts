/** Status changes, which the schema records, become deliveries. Called by runner/notifications. */
import { sql } from 'slonik'
import { z } from 'zod'
import { notifiedFailure } from '../../../domain/failures/failure-schemas.ts'
import type { NotificationEvent } from '../../../domain/notifications/event.ts'
import type { Status } from '../../../domain/statuses.ts'
import type { Database } from '../../pool.ts'
import { toJsonb } from '../sql-fragments.ts'

const statusChangeRow = z.object({
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

/**
 * Replaces the oldest status changes by deliveries to their receivers. `readReceivers` is called when there is a change.
 * Returns how many changes these were. One runner at a time does it, so that the deliveries of a deployment have the
 * order of its changes; for the others the answer is 0.
 */
export async function distributeStatusChanges(
  pool: Database,
  readReceivers: () => Promise<ReceiversOf>,
  limit: number,
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
    const changes = await transaction.any(sql.type(statusChangeRow)`
      with oldest as (
        delete from status_changes where id = any(array(select id from status_changes order by id limit ${limit}))
        returning *)
      select c.event_id, c.deployment, c.old_status, c.new_status, c.failure,
        to_char(c.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at,
        (select json_build_object('id', a.id, 'kind', a.kind, 'actor', a.actor) from actions a where a.id = c.action_id) as action
      from oldest c order by c.id`)
    const deliveries = changes.flatMap(({ event_id, ...change }) => {
      const event = {
        ...change,
        old_status: change.old_status as Status,
        new_status: change.new_status as Status,
      }
      const { deployment, ...rest } = event
      return receiversOf(event).map((receiver) => ({ event_id, receiver, deployment, event: rest }))
    })
    if (deliveries.length > 0)
      await transaction.query(sql.unsafe`
        insert into deliveries (event_id, receiver, deployment, event)
        select (d ->> 'event_id')::uuid, d ->> 'receiver', d ->> 'deployment', d -> 'event'
        from jsonb_array_elements(${toJsonb(deliveries)}) with ordinality as list (d, position) order by position`)
    return changes.length
  })
}
