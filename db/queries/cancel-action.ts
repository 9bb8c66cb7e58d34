/** Cancel and delete: what a user asks that needs no script to run. */
import { sql } from 'slonik'
import { z } from 'zod'
import { type ActionKind, actionKinds, actionStates, isActive } from '../../domain/actions.ts'
import { actionFinished, noSuchAction } from '../../domain/errors.ts'
import type { ChangeEvent } from '../../domain/event.ts'
import type { Database } from '../pool.ts'
import { applyFinalStatus, deleteDeploymentRows } from './action-lifecycle.ts'
import { readChangeEvent } from './deployments.ts'
import { lockIdleDeployment } from './enqueue-action.ts'
import { claimIdempotencyKey, type IdempotencyKey } from './idempotency.ts'

const cancelRow = z.object({
  id: z.number(),
  state: z.enum(actionStates),
  kind: z.enum(actionKinds as [ActionKind, ...ActionKind[]]),
  deploymentId: z.number(),
  name: z.string(),
  held: z.boolean(),
  asked: z.boolean(),
})

/**
 * Asks for the end of an action. One that nobody holds yet ends here; a held one is ended by its runner, which
 * hears of it by a hint or with its next renewal. Asking again is the same. Throws no_such_action, action_finished.
 */
export async function requestCancel(
  pool: Database,
  actionId: number,
  actor: string,
): Promise<{ change: ChangeEvent | null; held: boolean }> {
  return pool.transaction(async (transaction) => {
    const action = await transaction.maybeOne(sql.type(cancelRow)`
      select a.id, a.state, a.kind, d.id as "deploymentId", d.name, coalesce(a.lease_expires_at > now(), false) as held,
        a.cancel_requested_at is not null as asked
      from actions a join deployments d on d.id = a.deployment_id where a.id = ${actionId} for update of a`)
    if (action === null) throw noSuchAction(actionId)
    if (action.state === 'cancelled') return { change: null, held: false }
    if (!isActive(action.state)) {
      throw actionFinished(actionId, action.state)
    }
    if (!action.asked) {
      await transaction.query(sql.unsafe`
        update actions set cancel_requested_at = now(), cancelled_by = ${actor} where id = ${actionId}`)
    }
    if (action.state === 'queued' && !action.held) {
      await transaction.query(sql.unsafe`
        update actions set state = 'cancelled', finished_at = now(), error = 'Cancelled before it started.'
        where id = ${actionId}`)
      return { change: await applyFinalStatus(transaction, action, false), held: false }
    }
    if (action.asked) return { change: null, held: true }
    await transaction.query(
      sql.unsafe`update deployments set revision = default where id = ${action.deploymentId}`,
    )
    return { change: await readChangeEvent(transaction, action.deploymentId), held: true }
  })
}

/** Forgets a deployment without a script. Throws no_such_deployment, busy, idempotency_key_reused. Null: done before (same key). */
export async function deleteDeployment(
  pool: Database,
  name: string,
  key: IdempotencyKey | undefined,
): Promise<ChangeEvent | null> {
  return pool.transaction(async (transaction) => {
    if (key && (await claimIdempotencyKey(transaction, key)) !== null) return null
    const { id } = await lockIdleDeployment(transaction, name)
    return deleteDeploymentRows(transaction, id, name)
  })
}
