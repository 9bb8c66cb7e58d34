/**
 * Bounds the history: deletes behind what was deleted or removed, applies the limits of actions and output, and drops
 * status changes that no script takes. All work is done in short transactions; every runner does it. Started by
 * main.ts.
 */
import { classifyStoreError } from '../../db/errors.ts'
import { applyDeploymentLimits, applyTotalLimit } from '../../db/queries/history/apply-limits.ts'
import { countEarlierOutput } from '../../db/queries/history/count-output.ts'
import {
  deleteActionsOfDeletedDeployments,
  deleteRemovedChunks,
} from '../../db/queries/history/delete-behind.ts'
import { type HistoryLimits, hasDeploymentLimits } from '../../db/queries/history/limits.ts'
import { deleteOldDeliveries, dropOldestDeliveries } from '../../db/queries/notifications/deliveries.ts'
import type { RunnerSettings } from '../../domain/settings.ts'
import { type PeriodicTask, startPeriodic } from '../../lib/periodic.ts'
import type { RunnerContext } from '../context.ts'

const intervalMs = 5000
/** Chunks of up to 64 KiB: so many are deleted within the time limit of one statement, also from a cold disk. */
const maxChunksPerBatch = 1000
const minChunksPerBatch = 50

export function startHistory(context: RunnerContext): PeriodicTask {
  const { logFailure } = context
  const steps = createSteps(context)
  let isStopped = false
  const task = startPeriodic(logFailure, 'history', intervalMs, async () => {
    // The steps take turns, so that a long one does not hold up the others.
    for (let more = true; more && !isStopped; ) {
      more = false
      for (const step of steps) if (!isStopped && (await step())) more = true
    }
  })
  return {
    runNow: task.runNow,
    stop: () => {
      isStopped = true
      return task.stop()
    },
  }
}

/** Each step is a short transaction that tells whether there is more to do now. */
function createSteps(context: RunnerContext): (() => Promise<boolean>)[] {
  const { db, settings } = context
  const limits = toHistoryLimits(settings)
  return [
    () => countEarlierOutput(db),
    () => deleteActionsOfDeletedDeployments(db),
    createChunkDeletion(context),
    createDeliveryLimit(context),
    ...(hasDeploymentLimits(limits) ? [() => applyDeploymentLimits(db, limits)] : []),
    ...(limits.outputBytesInTotal > 0 ? [() => applyTotalLimit(db, limits.outputBytesInTotal)] : []),
  ]
}

const toHistoryLimits = (settings: RunnerSettings): HistoryLimits => ({
  actionAgeMs: settings.ACTION_RETENTION,
  actionsPerDeployment: settings.ACTION_HISTORY_LIMIT,
  outputAgeMs: settings.OUTPUT_RETENTION,
  outputBytesPerDeployment: settings.OUTPUT_DEPLOYMENT_LIMIT,
  outputBytesInTotal: settings.OUTPUT_TOTAL_LIMIT,
})

/** A slow disk gets smaller batches, which grow again. */
function createChunkDeletion({ db }: RunnerContext): () => Promise<boolean> {
  let afterActionId = 0
  let batchSize = maxChunksPerBatch
  return async () => {
    try {
      const next = await deleteRemovedChunks(db, afterActionId, batchSize)
      afterActionId = next ?? 0
      batchSize = Math.min(maxChunksPerBatch, batchSize + 10)
      return next !== null
    } catch (error) {
      if (classifyStoreError(error) !== 'timeout' || batchSize <= minChunksPerBatch) throw error
      batchSize = Math.max(minChunksPerBatch, Math.floor(batchSize / 2))
      return true
    }
  }
}

const logIntervalMs = 60_000

/** Also of receivers that the policy no longer names, until they are deleted. */
function createDeliveryLimit({ db, log }: RunnerContext): () => Promise<boolean> {
  let dropped = 0
  let lastLoggedAtMs = Number.NEGATIVE_INFINITY
  return async () => {
    const count = await dropOldestDeliveries(db)
    dropped += count
    if (dropped > 0 && performance.now() - lastLoggedAtMs >= logIntervalMs) {
      log.warn(
        { dropped },
        'too many status changes waited for the notifications script or a webhook; the oldest were dropped',
      )
      lastLoggedAtMs = performance.now()
      dropped = 0
    }
    await deleteOldDeliveries(db)
    return count > 0
  }
}
