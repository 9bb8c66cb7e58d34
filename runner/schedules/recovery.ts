/**
 * Every runner looks by itself for what a lost bell, a lost runner or time has left behind: waiting actions, expired
 * leases, archived deployments whose retention is over. Started by main.ts.
 */
import { enqueueAction } from '../../db/queries/enqueue-action.ts'
import { deleteOldKeys } from '../../db/queries/idempotency.ts'
import { endExpiredAction, findUnclaimedActions } from '../../db/queries/recovery.ts'
import { findExpiredArchives } from '../../db/queries/retention.ts'
import { publishChange } from '../../db/redis/events.ts'
import { ApiError } from '../../domain/errors.ts'
import { type PeriodicTask, startPeriodic } from '../../lib/periodic.ts'
import type { RunnerContext } from '../context.ts'

/** Give or take a fifth. With `bellMs` it makes six seconds at most until an action starts that nobody rang for. */
const intervalMs = 4000
/** A bell usually takes milliseconds. */
const notificationGraceMs = 1000

/** `free`: how many more actions this runner can take. `start` performs one, in the background. */
export function startRecovery(
  context: RunnerContext,
  freeSlots: () => number,
  execute: (actionId: number) => void,
): PeriodicTask {
  const { db, settings, log } = context
  let keysDeletedAtMs = 0
  return startPeriodic(log, 'sweep', intervalMs, async () => {
    await endExpiredActions(context, execute)
    if (freeSlots() > 0)
      for (const actionId of await findUnclaimedActions(db, notificationGraceMs, freeSlots()))
        execute(actionId)
    if (settings.ARCHIVE_RETENTION > 0) await cleanUpExpiredArchives(context, execute)
    if (Date.now() - keysDeletedAtMs > 3_600_000) {
      await deleteOldKeys(db)
      keysDeletedAtMs = Date.now()
    }
  })
}

async function endExpiredActions(
  { db, redis, settings, log }: RunnerContext,
  execute: (actionId: number) => void,
): Promise<void> {
  for (;;) {
    const expired = await endExpiredAction(db, settings.INTERRUPTED_ACTIONS === 'retry')
    if (expired === null) return
    log.warn(
      {
        actionId: expired.actionId,
        deployment: expired.name,
        lostRunner: expired.runner,
        retryActionId: expired.retryActionId,
      },
      'the runner of an action was lost',
    )
    await publishChange(redis, settings.REDIS_PREFIX, expired.change)
    if (expired.retryActionId !== null) execute(expired.retryActionId)
  }
}

async function cleanUpExpiredArchives(
  { db, redis, settings, log }: RunnerContext,
  execute: (actionId: number) => void,
): Promise<void> {
  for (const name of await findExpiredArchives(db, settings.ARCHIVE_RETENTION, 20)) {
    try {
      const actor = { actor: 'octopod', source: 'retention', reason: 'Its time in the archive is over.' }
      const { actionId, change } = await enqueueAction(db, {
        kind: 'cleanup',
        name,
        configChecked: false,
        ...actor,
      })
      if (change !== null) await publishChange(redis, settings.REDIS_PREFIX, change)
      execute(actionId)
    } catch (error) {
      // Another runner or a user was faster.
      if (!(error instanceof ApiError)) throw error
      log.debug({ deployment: name }, error.message)
    }
  }
}
