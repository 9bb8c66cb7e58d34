/**
 * Looks after deployments: claims due checks in batches, runs them side by side, moves what they say (law 11). Started
 * by main.ts; `nudge` looks at once, after an action has ended.
 */
import {
  type Checked,
  claimChecks,
  type DueCheck,
  holdChecks,
  keepCheck,
  keepCheckAndMove,
} from '../db/checks.ts'
import { publishChange } from '../db/events.ts'
import { checkScriptFor, type Status, statusAfterCheck, statusUnchecked } from '../domain/status.ts'
import { effectiveConfig } from './config.ts'
import { type Holds, holdWhileUnderWay } from './holds.ts'
import { type Loop, repeat } from './loop.ts'
import { askAbout } from './run.ts'
import type { Workshop } from './workshop.ts'

/** `onMoved` is called after a check has changed a status. */
export function watch(workshop: Workshop, onMoved: () => void): Loop {
  const { db, settings, log } = workshop
  const underWay = new Set<Promise<unknown>>()
  const holds = holdWhileUnderWay(log, settings.LEASE, (held) => holdChecks(db, held, settings.LEASE))

  const loop = repeat(log, 'checks', 1000, async () => {
    const free = settings.CHECK_CONCURRENCY - underWay.size
    if (free <= 0) return
    const due = await claimChecks(db, free, settings.LEASE)
    for (const one of due) {
      const work = checkOne(workshop, holds, one)
        .then((moved) => moved && onMoved())
        .catch((error) => log.error({ err: error, deployment: one.name }, 'a check could not be made'))
        .finally(() => {
          underWay.delete(work)
          // There may be more where a full batch came from.
          if (due.length === free) loop.nudge()
        })
      underWay.add(work)
    }
  })
  return {
    nudge: loop.nudge,
    stop: async () => {
      await loop.stop()
      await Promise.all(underWay)
      await holds.stop()
    },
  }
}

async function checkOne(workshop: Workshop, holds: Holds, due: DueCheck): Promise<boolean> {
  const { db, redis, settings } = workshop
  holds.add(due)
  const { made, exitCode, error } = await runCheck(workshop, due).finally(() => holds.remove(due))
  if (workshop.closing.aborted) return false
  const patienceMs = settings.STATUS_UPDATE_TIMEOUT
  const to = made
    ? statusAfterCheck(due.status, exitCode, due.pendingMs, patienceMs)
    : statusUnchecked(due.status, due.pendingMs, patienceMs)
  const checked: Checked = {
    id: due.id,
    was: due.status,
    revision: due.revision,
    heldUntil: due.heldUntil,
    exitCode,
    error,
    nextInMs: nextInMs(settings.CHECK_INTERVAL, due),
  }
  if (to === due.status) {
    await keepCheck(db, checked)
    return false
  }
  const change = await keepCheckAndMove(db, checked, to)
  if (change !== null) await publishChange(redis, settings.REDIS_PREFIX, change)
  return change !== null
}

/** `made`: the check script ran, well or ill. */
type Outcome = { made: boolean; exitCode: number | null; error: string | null }

async function runCheck(workshop: Workshop, due: DueCheck): Promise<Outcome> {
  const script = checkScriptFor(due.status)
  if (script === null) return { made: false, exitCode: null, error: null }
  const config = await effectiveConfig(workshop, due)
  if (typeof config === 'string') return { made: false, exitCode: null, error: shortened(config) }
  const timeoutMs = workshop.settings.CHECK_TIMEOUT
  const { result, failure } = await askAbout(workshop, script, due.name, config, { timeoutMs })
  return {
    made: result.problem === null,
    exitCode: result.timedOut || result.problem !== null ? null : result.exitCode,
    error: failure === null ? null : shortened(failure),
  }
}

const shortened = (words: string) => words.slice(0, 2000)

const pending: readonly Status[] = ['CreatePending', 'UpdatePending', 'ArchivePending']

/** The usual interval, spread a little; one that somebody waits for is looked at sooner, the younger the sooner. */
function nextInMs(intervalMs: number, { status, pendingMs }: DueCheck): number {
  const spread = 0.9 + Math.random() * 0.2
  if (!pending.includes(status)) return intervalMs * spread
  return Math.min(intervalMs, Math.max(1000, pendingMs / 2)) * spread
}
