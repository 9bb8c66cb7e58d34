/**
 * Removes what has been kept long enough: archived deployments after ARCHIVE_RETENTION, by a cleanup action, and old
 * idempotency keys. Cleanups only take slots that nobody waits for. Every runner does this. Started by main.ts.
 */
import { systemActor } from '../../db/queries/audit/insert-entry.ts'
import { enqueueAction } from '../../db/queries/enqueue-action.ts'
import { deleteOldKeys } from '../../db/queries/idempotency.ts'
import { findExpiredArchives, readQueueForRetention } from '../../db/queries/retention.ts'
import { publishChange } from '../../db/redis/events.ts'
import { automaticSource } from '../../domain/actions.ts'
import { ApiError } from '../../domain/errors.ts'
import { type PeriodicTask, startPeriodic } from '../../lib/periodic.ts'
import type { ActionWorker } from '../actions/action-worker.ts'
import type { RunnerContext } from '../context.ts'

const intervalMs = 4000
const keyIntervalMs = 3_600_000
/** A cleanup in this share of the slots leaves the others to what people request. */
const shareOfSlots = 0.5

/** `runNow` is called after each action: the next cleanup follows in the slot that is free now. */
export function startRetention(context: RunnerContext, actions: ActionWorker): PeriodicTask {
  const { db, settings } = context
  let keysDeletedAtMs = 0
  let moreWait = false
  const task = startPeriodic(context.logFailure, 'retention', intervalMs, async () => {
    if (settings.ARCHIVE_RETENTION > 0) moreWait = await cleanUpExpiredArchives(context, actions)
    if (Date.now() - keysDeletedAtMs < keyIntervalMs) return
    await deleteOldKeys(db)
    keysDeletedAtMs = Date.now()
  })
  return {
    runNow: () => {
      if (moreWait) task.runNow()
    },
    stop: task.stop,
  }
}

/** Returns whether more deployments may wait for a slot. */
async function cleanUpExpiredArchives(context: RunnerContext, actions: ActionWorker): Promise<boolean> {
  const { db, redis, settings, log } = context
  const slots = Math.max(1, Math.floor(settings.ACTION_CONCURRENCY * shareOfSlots))
  const expired = await findExpiredArchives(db, settings.ARCHIVE_RETENTION, slots)
  if (expired.length === 0) return false
  const names = expired.slice(0, Math.max(0, await countFreeSlots(context, actions, slots)))
  const actor = {
    ...systemActor,
    source: automaticSource,
    reason: 'The archive retention is over.',
  } as const
  for (const name of names) {
    try {
      const request = { kind: 'cleanup', name, configChecked: false, scope: 'all', ...actor } as const
      const { actionId, change } = await enqueueAction(db, request)
      if (change !== null) await publishChange(redis, settings.REDIS_PREFIX, change)
      actions.execute(actionId)
    } catch (error) {
      // Another runner or a user has started an action of this deployment first.
      if (!(error instanceof ApiError)) throw error
      log.debug({ deployment: name }, error.message)
    }
  }
  return names.length < expired.length || expired.length === slots
}

/**
 * How many cleanups may start now, at most in `slots` of this runner: in those that are free, so that no request of a
 * person waits behind a cleanup.
 */
async function countFreeSlots(
  { db, runnerName }: RunnerContext,
  actions: ActionWorker,
  slots: number,
): Promise<number> {
  if (actions.freeSlots() <= 0) return 0
  const { peopleWait, cleanups } = await readQueueForRetention(db, runnerName)
  if (peopleWait) return 0
  return Math.min(slots - cleanups, actions.freeSlots())
}
