/**
 * Removes what has been kept long enough: archived deployments after ARCHIVE_RETENTION, by a cleanup action, and old
 * idempotency keys. Every runner does this. Started by main.ts.
 */
import { enqueueAction } from '../../db/queries/enqueue-action.ts'
import { deleteOldKeys } from '../../db/queries/idempotency.ts'
import { findExpiredArchives } from '../../db/queries/retention.ts'
import { publishChange } from '../../db/redis/events.ts'
import { ApiError } from '../../domain/errors.ts'
import { type PeriodicTask, startPeriodic } from '../../lib/periodic.ts'
import type { ActionWorker } from '../actions/action-worker.ts'
import type { RunnerContext } from '../context.ts'

const intervalMs = 4000
const keyIntervalMs = 3_600_000
const maxCleanups = 20

export function startRetention(context: RunnerContext, actions: ActionWorker): PeriodicTask {
  const { db, settings, log } = context
  let keysDeletedAtMs = 0
  return startPeriodic(log, 'retention', intervalMs, async () => {
    if (settings.ARCHIVE_RETENTION > 0) await cleanUpExpiredArchives(context, actions)
    if (Date.now() - keysDeletedAtMs < keyIntervalMs) return
    await deleteOldKeys(db)
    keysDeletedAtMs = Date.now()
  })
}

async function cleanUpExpiredArchives(context: RunnerContext, actions: ActionWorker): Promise<void> {
  const { db, redis, settings, log } = context
  const actor = { actor: 'octopod', source: 'retention', reason: 'The archive retention is over.' }
  for (const name of await findExpiredArchives(db, settings.ARCHIVE_RETENTION, maxCleanups)) {
    try {
      const request = { kind: 'cleanup', name, configChecked: false, ...actor } as const
      const { actionId, change } = await enqueueAction(db, request)
      if (change !== null) await publishChange(redis, settings.REDIS_PREFIX, change)
      actions.execute(actionId)
    } catch (error) {
      // Another runner or a user has started an action of this deployment first.
      if (!(error instanceof ApiError)) throw error
      log.debug({ deployment: name }, error.message)
    }
  }
}
