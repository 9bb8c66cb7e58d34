/**
 * Every runner looks by itself for what a lost bell, a lost runner or time has left behind: waiting actions, expired
 * leases, archived deployments whose retention is over. Started by main.ts.
 */
import { begin } from '../db/begin.ts'
import { publishChange } from '../db/events.ts'
import { forgetOldKeys } from '../db/idempotency.ts'
import { endOneLost, findExpired, findWaiting } from '../db/sweep.ts'
import { Refusal } from '../domain/errors.ts'
import { type Loop, repeat } from './loop.ts'
import type { Workshop } from './workshop.ts'

/** Give or take a fifth. With `bellMs` it makes six seconds at most until an action starts that nobody rang for. */
const everyMs = 4000
/** A bell usually takes milliseconds. */
const bellMs = 1000

/** `free`: how many more actions this runner can take. `start` performs one, in the background. */
export function sweep(workshop: Workshop, free: () => number, start: (actionId: number) => void): Loop {
  const { db, settings, log } = workshop
  let keysForgottenAt = 0
  return repeat(log, 'sweep', everyMs, async () => {
    await endLost(workshop, start)
    if (free() > 0) for (const actionId of await findWaiting(db, bellMs, free())) start(actionId)
    if (settings.ARCHIVE_RETENTION > 0) await cleanUpExpired(workshop, start)
    if (Date.now() - keysForgottenAt > 3_600_000) {
      await forgetOldKeys(db)
      keysForgottenAt = Date.now()
    }
  })
}

async function endLost(
  { db, redis, settings, log }: Workshop,
  start: (actionId: number) => void,
): Promise<void> {
  for (;;) {
    const lost = await endOneLost(db, settings.INTERRUPTED_ACTIONS === 'retry')
    if (lost === null) return
    log.warn(
      { actionId: lost.actionId, deployment: lost.name, lostRunner: lost.runner, retriedAs: lost.retriedAs },
      'the runner of an action was lost',
    )
    await publishChange(redis, settings.REDIS_PREFIX, lost.change)
    if (lost.retriedAs !== null) start(lost.retriedAs)
  }
}

async function cleanUpExpired(
  { db, redis, settings, log }: Workshop,
  start: (actionId: number) => void,
): Promise<void> {
  for (const name of await findExpired(db, settings.ARCHIVE_RETENTION, 20)) {
    try {
      const asker = { actor: 'octopod', source: 'retention', reason: 'Its time in the archive is over.' }
      const { actionId, change } = await begin(db, { kind: 'cleanup', name, configChecked: false, ...asker })
      if (change !== null) await publishChange(redis, settings.REDIS_PREFIX, change)
      start(actionId)
    } catch (error) {
      // Another runner or a user was faster.
      if (!(error instanceof Refusal)) throw error
      log.debug({ deployment: name }, error.message)
    }
  }
}
