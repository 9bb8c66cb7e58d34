/**
 * Step 7, the conductor: one action from claim to finish, read from top to bottom. Called by main.ts for a bell
 * and for what sweep.ts has found; a second call for the same action finds it claimed and does nothing.
 */
import { appendOutput, lastSeq } from '../db/actions.ts'
import { isAway, isStaleWrite } from '../db/errors.ts'
import { publishChange, publishOutput } from '../db/events.ts'
import { type Claimed, claim, finish, release, renew, start } from '../db/transition.ts'
import { actions, nothingRan, type ScriptResult } from '../domain/action.ts'
import type { ChangeEvent } from '../domain/event.ts'
import { lifecycleArguments } from '../domain/script.ts'
import { keepLease, type Lease } from './lease.ts'
import { createOutput, type Output } from './output.ts'
import { prepare } from './prepare.ts'
import { newMark, runProcess } from './process.ts'
import { secretsOf } from './redact.ts'
import { request } from './run.ts'
import type { Workshop } from './workshop.ts'

/** Actions under way in this runner, with the way to cancel each. */
export type Running = Map<number, Lease>

export async function perform(workshop: Workshop, running: Running, actionId: number): Promise<void> {
  const { db, settings, log, name } = workshop
  if (running.has(actionId)) return
  const takenAt = performance.now()
  const held = await claim(db, actionId, name, settings.LEASE)
  if (held === null) return
  const mark = newMark()
  const lease = keepLease(workshop, held, mark, takenAt)
  running.set(actionId, lease)
  try {
    const result = await carryOut(workshop, held, lease, mark)
    if (result === null) {
      await release(db, held)
      log.info({ actionId, deployment: held.name }, 'an action was not started and is left to another runner')
      return
    }
    if (result.interrupted && settings.INTERRUPTED_ACTIONS === 'retry') {
      // The sweep ends it and has the next attempt follow, as it does for a runner that was lost.
      await persist(workshop, () => release(db, held))
      log.warn({ actionId, deployment: held.name }, 'an action was interrupted and is left to be tried again')
      return
    }
    const end = () => finish(db, held, result)
    announce(workshop, await persist(workshop, held.kind === 'cleanup' ? () => lease.during(end) : end))
    log.info(
      {
        actionId,
        kind: held.kind,
        deployment: held.name,
        exitCode: result.exitCode,
        durationMs: result.durationMs,
      },
      'action ended',
    )
  } catch (error) {
    if (isStaleWrite(error))
      log.warn({ actionId }, 'the action was taken from us; what we had to say no longer counts')
    else {
      log.error({ err: error, actionId }, 'an action could not be finished and is given up')
      // Its script is dead, or never was: nobody need wait for the lease to run out.
      await release(db, held).catch(() => {})
    }
  } finally {
    lease.stop()
    workshop.supervisor.end(mark)
    running.delete(actionId)
  }
}

/** Everything between claim and finish; what goes wrong on the way becomes the result. Null: not started, and not by us. */
async function carryOut(
  workshop: Workshop,
  held: Claimed,
  lease: Lease,
  mark: string,
): Promise<ScriptResult | null> {
  // First: what the script is to be told, and whether it may start at all.
  const unwanted = AbortSignal.any([lease.signal, workshop.closing])
  const prepared = await prepare(workshop, held, unwanted)
  if (unwanted.aborted) return unwanted.reason === 'cancelled' ? cancelledBefore : null
  if ('refused' in prepared) return { ...nothingRan, problem: prepared.refused }
  const secrets = secretsOf(prepared.config, workshop.settings.SECRET_KEYS, workshop.environment)
  const output = await openOutput(workshop, held, lease, secrets)
  for (const problem of prepared.problems) output.note(`octopod: ${problem}`)
  try {
    // Then: the start is on record before the script exists (law 4).
    const change = await startUnlessCancelled(workshop, held, lease, prepared.links)
    if (change !== null) announce(workshop, change)
    // This process may have stood still for long, whatever its timers say: only now is nothing awaited before the script.
    if (change === null || lease.over()) {
      await output.end()
      return change === null || lease.signal.reason === 'cancelled' ? cancelledBefore : interruptedBefore
    }
    const result = await runProcess({
      ...request(
        workshop,
        actions[held.kind].script,
        lifecycleArguments(workshop.project, held.name, prepared.config),
        {
          signal: lease.signal,
        },
      ),
      env: { ...workshop.environment, ...attemptOf(held) },
      mark,
      onOutput: output.push,
    })
    const seconds = workshop.settings.CONTROL_SCRIPT_TIMEOUT / 1000
    if (result.timedOut) output.note(`octopod: stopped after ${seconds} s (CONTROL_SCRIPT_TIMEOUT).`)
    // Finally: its last words are kept before its end is.
    const { truncated } = await output.end()
    return { ...result, truncated }
  } catch (error) {
    await output.end().catch(() => {})
    throw error
  }
}

const cancelledBefore: ScriptResult = {
  ...nothingRan,
  cancelled: true,
  problem: 'Cancelled before it started.',
}

const interruptedBefore: ScriptResult = {
  ...nothingRan,
  interrupted: true,
  problem: 'Its runner stood still for too long when the script was to start.',
}

/** Null: somebody wants it cancelled, and it has not started. */
async function startUnlessCancelled(
  workshop: Workshop,
  held: Claimed,
  lease: Lease,
  links: Parameters<typeof start>[2],
): Promise<ChangeEvent | null> {
  try {
    return await persist(workshop, () => start(workshop.db, held, links), lease.signal)
  } catch (error) {
    if (!isStaleWrite(error)) throw error
    const { cancel } = await renew(workshop.leases, held, workshop.settings.LEASE)
    if (cancel) return null
    throw error
  }
}

/** What lets a script recognise, and guard against, a run of its own that was taken for lost. */
const attemptOf = (held: Claimed) => ({
  OCTOPOD_ACTION_ID: String(held.actionId),
  OCTOPOD_ATTEMPT: String(held.attempt),
  OCTOPOD_FENCE: String(held.epoch),
})

async function openOutput(
  workshop: Workshop,
  held: Claimed,
  lease: Lease,
  secrets: string[],
): Promise<Output> {
  const { db, redis, settings } = workshop
  return createOutput({
    // A first attempt has none: only a lost preparation may have left notes.
    firstSeq:
      held.epoch === 1 ? 1 : (await persist(workshop, () => lastSeq(db, held.actionId), lease.signal)) + 1,
    limitBytes: settings.OUTPUT_LIMIT,
    secrets,
    write: async (chunks) => {
      await persist(workshop, () => appendOutput(db, held, chunks))
      const last = chunks.at(-1)
      if (last) void publishOutput(redis, settings.REDIS_PREFIX, { actionId: held.actionId, seq: last.seq })
    },
  })
}

/**
 * Tries again while the database is away, until it says whether the action is still ours, or this runner must end; or, where
 * given, until `wanted` has aborted.
 */
async function persist<T>({ closing }: Workshop, write: () => Promise<T>, wanted?: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await write()
    } catch (error) {
      if (!isAway(error) || closing.aborted || wanted?.aborted) throw error
      await new Promise((resolve) => setTimeout(resolve, 300 + Math.random() * 400))
    }
  }
}

/** A hint: nobody waits for it. One connection keeps the hints of an action in order. */
function announce({ redis, settings }: Workshop, change: ChangeEvent): void {
  void publishChange(redis, settings.REDIS_PREFIX, change)
}
