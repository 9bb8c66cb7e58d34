/** Executes one action that was claimed: prepare, start, script, output, finish. Called by action-worker.ts. */
import { isStaleWrite } from '../../db/errors.ts'
import { type ClaimedAction, finish, release, renew, start } from '../../db/queries/action-lifecycle.ts'
import { publishChange } from '../../db/redis/events.ts'
import { actions, emptyResult, type ScriptResult, stateFromResult } from '../../domain/actions.ts'
import type { ChangeEvent } from '../../domain/event.ts'
import { lastLines, scriptFailure } from '../../domain/failures/explain-failure.ts'
import type { Failure } from '../../domain/failures/failure.ts'
import { lifecycleInput } from '../../domain/script.ts'
import type { RunnerContext } from '../context.ts'
import type { Output } from '../output/output.ts'
import { runProcess } from '../process/process.ts'
import { createMarker } from '../process/script-marker.ts'
import { buildRequest } from '../scripts/run-script.ts'
import { createActionOutput } from './action-output.ts'
import { type EndCheckOf, endRunningCheck } from './end-running-check.ts'
import { type ActionLease, startLeaseRenewal } from './lease.ts'
import { type PreparedAction, prepareAction } from './prepare-action.ts'
import { retryWhileDatabaseDown } from './retry-while-database-down.ts'

/** `running`: the actions of this runner that are under way, by id. */
export type ActionEnvironment = {
  context: RunnerContext
  running: Map<number, ActionLease>
  endCheckOf: EndCheckOf
  /** The end of an action may start one that waits for it. */
  executeQueued: (change: ChangeEvent) => void
}

/** `failure`: why the action did not succeed; null after a success, a cancel or an interruption. */
type Outcome = { result: ScriptResult; failure: Failure | null }

/** `marker` identifies the processes of the script. */
type Execution = ActionEnvironment & { action: ClaimedAction; lease: ActionLease; marker: string }

/** `claimedAtMs`: performance.now() before the claim was sent. */
export async function executeAction(
  environment: ActionEnvironment,
  action: ClaimedAction,
  claimedAtMs: number,
): Promise<void> {
  // First: renew the lease from now on.
  const { context, running } = environment
  const { settings, watchdog } = context
  const { actionId } = action
  const marker = createMarker(context.markerPrefix)
  const lease = startLeaseRenewal(context, action, marker, claimedAtMs)
  const execution: Execution = { ...environment, action, lease, marker }
  running.set(actionId, lease)
  try {
    // Then: run its script.
    const outcome = await runActionScript(execution)
    // Finally: store the result, or leave the action to another runner.
    if (outcome === null) await releaseUnstarted(execution)
    else if (outcome.result.interrupted && settings.INTERRUPTED_ACTIONS === 'retry')
      await releaseForRetry(execution)
    else await storeResult(execution, outcome)
  } catch (error) {
    await giveUp(execution, error)
  } finally {
    lease.stop()
    watchdog.unregister(marker)
    // This runner may have claimed it again, after it was frozen.
    if (running.get(actionId) === lease) running.delete(actionId)
  }
}

/**
 * Everything between claim and finish. Returns null when the action has not started and another runner may start it.
 */
async function runActionScript(execution: Execution): Promise<Outcome | null> {
  const { context, action, lease, endCheckOf } = execution
  // First: the config, config_check and the links. Meanwhile a running check ends.
  const stopSignal = AbortSignal.any([lease.signal, context.shutdownSignal])
  const checkEnded = endRunningCheck(context, action, endCheckOf, stopSignal)
  const prepared = await prepareAction(context, action, stopSignal)
  if (!('failure' in prepared)) await checkEnded
  if (stopSignal.aborted) return stopSignal.reason === 'cancelled' ? cancelledBeforeStart : null
  if ('failure' in prepared) {
    const { failure } = prepared
    return { result: { ...emptyResult, error: failure.message }, failure }
  }

  const output = await createActionOutput(context, action, lease, prepared.config)
  for (const warning of prepared.warnings) output.addNote(`octopod: ${warning}`)
  try {
    // Then: the start is committed before the script exists, so that a lost runner never hides a started script.
    const change = await startUnlessCancelled(execution, prepared.links)
    if (change !== null) publish(context, change)
    // This process may have been frozen until now. From here to the spawn it awaits nothing.
    if (change === null || lease.isExpired()) {
      await output.end()
      return change === null || lease.signal.reason === 'cancelled'
        ? cancelledBeforeStart
        : interruptedBeforeStart
    }
    const result = await runScriptProcess(execution, prepared, output)

    // Finally: all output is stored before the result is.
    const { truncated } = await output.end()
    return { result: { ...result, truncated }, failure: explainResult(execution, result, output.last()) }
  } catch (error) {
    await output.end().catch(() => {})
    throw error
  }
}

const cancelledBeforeStart: Outcome = {
  result: { ...emptyResult, cancelled: true, error: 'Cancelled before it started.' },
  failure: null,
}

const interruptedBeforeStart: Outcome = {
  result: {
    ...emptyResult,
    interrupted: true,
    error: 'The runner was frozen when the script was about to start.',
  },
  failure: null,
}

function explainResult(
  { context, action }: Execution,
  result: ScriptResult,
  last: { stdout: string; stderr: string },
): Failure | null {
  const state = stateFromResult(result)
  const { script } = actions[action.kind]
  const output = lastLines(last)
  if (state === 'interrupted') {
    const message = `The ${script} script was ended because its runner stopped or lost its lease.`
    return { what: 'runner_lost', script, message, hint: null, output }
  }
  if (state === 'succeeded' || state === 'cancelled') return null
  const timeLimit = { setting: 'CONTROL_SCRIPT_TIMEOUT', ms: context.settings.CONTROL_SCRIPT_TIMEOUT }
  return scriptFailure({ script, result, timeLimit, output })
}

/** Commits the start. Returns null when a user has cancelled the action before it started. */
async function startUnlessCancelled(
  { context, action, lease }: Execution,
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

async function runScriptProcess(
  { context, action, lease, marker }: Execution,
  { config }: Extract<PreparedAction, { warnings: string[] }>,
  output: Output,
): Promise<ScriptResult> {
  const { settings, scripts, project, environment } = context
  const input = lifecycleInput(scripts.manifest, project, action.name, config)
  const request = buildRequest(context, actions[action.kind].script, input, { signal: lease.signal })
  const env = { ...environment, ...attemptEnvironment(action) }
  const result = await runProcess({ ...request, env, marker, onOutput: output.push })
  const limitSeconds = settings.CONTROL_SCRIPT_TIMEOUT / 1000
  if (result.timedOut) output.addNote(`octopod: stopped after ${limitSeconds} s (CONTROL_SCRIPT_TIMEOUT).`)
  return result
}

/** With these variables a script can detect an earlier attempt of the same action that still runs. */
const attemptEnvironment = (action: ClaimedAction) => ({
  OCTOPOD_ACTION_ID: String(action.actionId),
  OCTOPOD_ATTEMPT: String(action.attempt),
  OCTOPOD_FENCE: String(action.fencingToken),
})

async function storeResult(
  { context, action, executeQueued }: Execution,
  { result, failure }: Outcome,
): Promise<void> {
  const { db, log } = context
  const { actionId, kind, name: deployment } = action
  const finishAction = () => finish(db, action, result, failure)
  const change = await retryWhileDatabaseDown(context, finishAction)
  publish(context, change)
  executeQueued(change)
  const { exitCode, durationMs } = result
  log.info({ actionId, kind, deployment, exitCode, durationMs }, 'action ended')
}

async function releaseUnstarted({ context, action }: Execution): Promise<void> {
  const { actionId, name: deployment } = action
  await release(context.db, action)
  context.log.info({ actionId, deployment }, 'action not started; another runner may claim it')
}

/** The recovery ends the action and enqueues the next attempt, as it does for a lost runner. */
async function releaseForRetry({ context, action }: Execution): Promise<void> {
  const { actionId, name: deployment } = action
  await retryWhileDatabaseDown(context, () => release(context.db, action))
  context.log.warn({ actionId, deployment }, 'action interrupted; it will be retried')
}

async function giveUp({ context, action }: Execution, error: unknown): Promise<void> {
  const { actionId } = action
  if (isStaleWrite(error)) {
    context.log.warn({ actionId }, 'lease lost; result discarded')
    return
  }
  context.logFailure(error, 'action could not be finished; lease released', { actionId })
  // The script has ended or was never started, so the recovery need not wait until the lease expires.
  await release(context.db, action).catch(() => {})
}

/** Not awaited: a lost event is harmless, and one connection keeps the events of an action in order. */
function publish({ redis, settings }: RunnerContext, change: ChangeEvent): void {
  void publishChange(redis, settings.REDIS_PREFIX, change)
}
