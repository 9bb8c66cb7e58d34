/**
 * Step 7, the conductor: one action from claim to finish, read from top to bottom. Called by main.ts for a bell
 * and for what recovery.ts has found; a second call for the same action finds it claimed and does nothing.
 */

import { isDatabaseUnavailable, isStaleWrite } from '../../db/errors.ts'
import {
  type ClaimedAction,
  claim,
  finish,
  release,
  renew,
  start,
} from '../../db/queries/action-lifecycle.ts'
import { appendOutput, lastSeq } from '../../db/queries/output.ts'
import { publishChange, publishOutput } from '../../db/redis/events.ts'
import { actions, emptyResult, type ScriptResult } from '../../domain/actions.ts'
import type { ChangeEvent } from '../../domain/event.ts'
import { lifecycleArguments } from '../../domain/script.ts'
import { delay } from '../../lib/delay.ts'
import type { RunnerContext } from '../context.ts'
import { createOutput, type Output } from '../output/output.ts'
import { secretValues } from '../output/redact.ts'
import { createMarker, runProcess } from '../process/process.ts'
import { buildRequest } from '../scripts/run-script.ts'
import { type ActionLease, startLeaseRenewal } from './lease.ts'
import { prepareAction } from './prepare-action.ts'

/** Actions under way in this runner, with the way to cancel each. */
export type RunningActions = Map<number, ActionLease>

export async function executeAction(
  context: RunnerContext,
  running: RunningActions,
  actionId: number,
): Promise<void> {
  const { db, settings, log, runnerName } = context
  if (running.has(actionId)) return
  const claimedAtMs = performance.now()
  const action = await claim(db, actionId, runnerName, settings.LEASE)
  if (action === null) return
  const marker = createMarker()
  const lease = startLeaseRenewal(context, action, marker, claimedAtMs)
  running.set(actionId, lease)
  try {
    const result = await runActionScript(context, action, lease, marker)
    if (result === null) {
      await release(db, action)
      log.info(
        { actionId, deployment: action.name },
        'an action was not started and is left to another runner',
      )
      return
    }
    if (result.interrupted && settings.INTERRUPTED_ACTIONS === 'retry') {
      // The sweep ends it and has the next attempt follow, as it does for a runner that was lost.
      await retryWhileDatabaseDown(context, () => release(db, action))
      log.warn(
        { actionId, deployment: action.name },
        'an action was interrupted and is left to be tried again',
      )
      return
    }
    const finishAction = () => finish(db, action, result)
    publish(
      context,
      await retryWhileDatabaseDown(
        context,
        action.kind === 'cleanup' ? () => lease.pauseRenewalWhile(finishAction) : finishAction,
      ),
    )
    log.info(
      {
        actionId,
        kind: action.kind,
        deployment: action.name,
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
      await release(db, action).catch(() => {})
    }
  } finally {
    lease.stop()
    context.watchdog.unregister(marker)
    running.delete(actionId)
  }
}

/** Everything between claim and finish; what goes wrong on the way becomes the result. Null: not started, and not by us. */
async function runActionScript(
  context: RunnerContext,
  action: ClaimedAction,
  lease: ActionLease,
  marker: string,
): Promise<ScriptResult | null> {
  // First: what the script is to be told, and whether it may start at all.
  const stopSignal = AbortSignal.any([lease.signal, context.shutdownSignal])
  const prepared = await prepareAction(context, action, stopSignal)
  if (stopSignal.aborted) return stopSignal.reason === 'cancelled' ? cancelledBeforeStart : null
  if ('refused' in prepared) return { ...emptyResult, error: prepared.refused }
  const secrets = secretValues(prepared.config, context.settings.SECRET_KEYS, context.environment)
  const output = await createActionOutput(context, action, lease, secrets)
  for (const problem of prepared.warnings) output.addNote(`octopod: ${problem}`)
  try {
    // Then: the start is on record before the script exists (law 4).
    const change = await startUnlessCancelled(context, action, lease, prepared.links)
    if (change !== null) publish(context, change)
    // This process may have stood still for long, whatever its timers say: only now is nothing awaited before the script.
    if (change === null || lease.isExpired()) {
      await output.end()
      return change === null || lease.signal.reason === 'cancelled'
        ? cancelledBeforeStart
        : interruptedBeforeStart
    }
    const result = await runProcess({
      ...buildRequest(
        context,
        actions[action.kind].script,
        lifecycleArguments(context.project, action.name, prepared.config),
        {
          signal: lease.signal,
        },
      ),
      env: { ...context.environment, ...attemptEnvironment(action) },
      marker,
      onOutput: output.push,
    })
    const seconds = context.settings.CONTROL_SCRIPT_TIMEOUT / 1000
    if (result.timedOut) output.addNote(`octopod: stopped after ${seconds} s (CONTROL_SCRIPT_TIMEOUT).`)
    // Finally: its last words are kept before its end is.
    const { truncated } = await output.end()
    return { ...result, truncated }
  } catch (error) {
    await output.end().catch(() => {})
    throw error
  }
}

const cancelledBeforeStart: ScriptResult = {
  ...emptyResult,
  cancelled: true,
  error: 'Cancelled before it started.',
}

const interruptedBeforeStart: ScriptResult = {
  ...emptyResult,
  interrupted: true,
  error: 'Its runner stood still for too long when the script was to start.',
}

/** Null: somebody wants it cancelled, and it has not started. */
async function startUnlessCancelled(
  context: RunnerContext,
  action: ClaimedAction,
  lease: ActionLease,
  links: Parameters<typeof start>[2],
): Promise<ChangeEvent | null> {
  try {
    return await retryWhileDatabaseDown(context, () => start(context.db, action, links), lease.signal)
  } catch (error) {
    if (!isStaleWrite(error)) throw error
    const { cancel } = await renew(context.leaseDb, action, context.settings.LEASE)
    if (cancel) return null
    throw error
  }
}

/** What lets a script recognise, and guard against, a run of its own that was taken for lost. */
const attemptEnvironment = (action: ClaimedAction) => ({
  OCTOPOD_ACTION_ID: String(action.actionId),
  OCTOPOD_ATTEMPT: String(action.attempt),
  OCTOPOD_FENCE: String(action.fencingToken),
})

async function createActionOutput(
  context: RunnerContext,
  action: ClaimedAction,
  lease: ActionLease,
  secrets: string[],
): Promise<Output> {
  const { db, redis, settings } = context
  return createOutput({
    // A first attempt has none: only a lost preparation may have left notes.
    firstSeq:
      action.fencingToken === 1
        ? 1
        : (await retryWhileDatabaseDown(context, () => lastSeq(db, action.actionId), lease.signal)) + 1,
    limitBytes: settings.OUTPUT_LIMIT,
    secrets,
    write: async (chunks) => {
      await retryWhileDatabaseDown(context, () => appendOutput(db, action, chunks))
      const last = chunks.at(-1)
      if (last) void publishOutput(redis, settings.REDIS_PREFIX, { actionId: action.actionId, seq: last.seq })
    },
  })
}

/**
 * Tries again while the database is away, until it says whether the action is still ours, or this runner must end; or, where
 * given, until `wanted` has aborted.
 */
async function retryWhileDatabaseDown<T>(
  { shutdownSignal }: RunnerContext,
  operation: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  for (;;) {
    try {
      return await operation()
    } catch (error) {
      if (!isDatabaseUnavailable(error) || shutdownSignal.aborted || signal?.aborted) throw error
      await delay(300 + Math.random() * 400)
    }
  }
}

/** A hint: nobody waits for it. One connection keeps the hints of an action in order. */
function publish({ redis, settings }: RunnerContext, change: ChangeEvent): void {
  void publishChange(redis, settings.REDIS_PREFIX, change)
}
