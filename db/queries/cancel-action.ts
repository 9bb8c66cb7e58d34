/** Cancels an action. Called by functions/actions. */
import { sql } from 'slonik'
import { z } from 'zod'
import type { Target } from '../../domain/access/roles.ts'
import { type ActionKind, actionKinds, actionStates, hasEnded } from '../../domain/actions.ts'
import { actionFinished, noSuchAction } from '../../domain/errors.ts'
import type { ChangeEvent } from '../../domain/event.ts'
import type { Database, Transaction } from '../pool.ts'
import { applyFinalStatus } from './action-lifecycle.ts'
import { type AuditActor, describeActor, insertAuditEntry } from './audit/insert-entry.ts'
import { bumpRevision, ownerOf, ownerRow } from './deployments.ts'
import { type BeginWrite, claimIdempotencyKey, type IdempotencyKey, requireInTime } from './idempotency.ts'

const cancelRow = z.object({
  id: z.number(),
  state: z.enum(actionStates),
  kind: z.enum(actionKinds as [ActionKind, ...ActionKind[]]),
  deploymentId: z.number(),
  name: z.string(),
  isClaimed: z.boolean(),
  isRequested: z.boolean(),
  owner: ownerRow,
})

/** `actionId`: for a repeated key the action that the first request has cancelled. */
type Cancelled = { actionId: number; change: ChangeEvent | null; isClaimed: boolean }

/**
 * Ends an unclaimed or waiting action at once. The runner of a claimed action ends it, after the cancel event or with its next
 * renewal; its script may end by itself before, and then its own result counts. A repeated call changes nothing. Throws
 * no_such_action, action_finished and what `requireRight` throws.
 */
export async function requestCancel(
  pool: Database,
  actionId: number,
  by: AuditActor,
  requireRight: (deployment: Target) => void,
  begin?: BeginWrite,
  key?: IdempotencyKey,
): Promise<Cancelled> {
  const cancelOnce = () =>
    pool.transaction(async (transaction) => {
      const window = begin === undefined ? null : await begin()
      const earlier = key === undefined ? null : await claimIdempotencyKey(transaction, key)
      if (earlier !== null) return { actionId: earlier.actionId ?? actionId, change: null, isClaimed: false }
      if (await hasLeftWait(transaction, actionId)) {
        // This transaction commits, and the next one claims the key again.
        if (key !== undefined)
          await transaction.query(sql.unsafe`delete from idempotency_keys where key = ${key.key}`)
        return 'left_wait' as const
      }
      const cancelled = await cancel(transaction, actionId, by, requireRight)
      await requireInTime(transaction, key, window)
      if (key !== undefined)
        await transaction.query(sql.unsafe`
          update idempotency_keys set action_id = ${actionId} where key = ${key.key}`)
      return { ...cancelled, actionId }
    })
  const cancelled = await cancelOnce()
  if (cancelled !== 'left_wait') return cancelled
  const second = await cancelOnce()
  if (second === 'left_wait') throw new Error(`action ${actionId} waits again`)
  return second
}

const waitingRow = z.object({ deploymentId: z.number() })

/**
 * Locks the deployment of a waiting action, as everybody does who changes such an action, and returns false. Returns true
 * when the action was started meanwhile: an active action is locked before its deployment, so the transaction must begin again.
 */
async function hasLeftWait(transaction: Transaction, actionId: number): Promise<boolean> {
  const isWaiting = sql.fragment`from actions where id = ${actionId} and state = 'waiting'`
  const deploymentId = await transaction.maybeOneFirst(sql.type(waitingRow)`
    select deployment_id as "deploymentId" ${isWaiting}`)
  if (deploymentId === null) return false
  await transaction.query(sql.unsafe`select from deployments where id = ${deploymentId} for update`)
  return !(await transaction.exists(sql.unsafe`select ${isWaiting}`))
}

async function cancel(
  transaction: Transaction,
  actionId: number,
  by: AuditActor,
  requireRight: (deployment: Target) => void,
): Promise<Omit<Cancelled, 'actionId'>> {
  const action = await transaction.maybeOne(sql.type(cancelRow)`
    select a.id, a.state, a.kind, d.id as "deploymentId", d.name, coalesce(a.lease_expires_at > now(), false) as "isClaimed",
      a.cancel_requested_at is not null as "isRequested", ${ownerOf}
    from actions a join deployments d on d.id = a.deployment_id where a.id = ${actionId} for update of a`)
  if (action === null) throw noSuchAction(actionId)
  requireRight(action)
  if (action.state === 'cancelled') return { change: null, isClaimed: false }
  if (hasEnded(action.state)) throw actionFinished(actionId, action.state)
  if (!action.isRequested) {
    await transaction.query(sql.unsafe`
      update actions set cancel_requested_at = now(), cancelled_by = ${describeActor(by)} where id = ${actionId}`)
    await insertAuditEntry(transaction, { by, operation: 'cancel', deployment: action.name, actionId })
  }
  if (action.state === 'waiting') {
    await transaction.query(sql.unsafe`
      update actions set state = 'cancelled', finished_at = now(), error = 'Cancelled while it waited.' where id = ${actionId}`)
    return { change: await bumpRevision(transaction, action.deploymentId), isClaimed: false }
  }
  if (action.state === 'queued' && !action.isClaimed) {
    await transaction.query(sql.unsafe`
      update actions set state = 'cancelled', finished_at = now(), error = 'Cancelled before it started.'
      where id = ${actionId}`)
    return { change: await applyFinalStatus(transaction, action, false), isClaimed: false }
  }
  if (action.isRequested) return { change: null, isClaimed: true }
  return { change: await bumpRevision(transaction, action.deploymentId), isClaimed: true }
}
