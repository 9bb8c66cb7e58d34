/**
 * Waits until a deployment has reached its target state and shows progress and output. The websocket triggers a fetch
 * of the state; a slow poll and a fetch after every new connection cover lost events. Called by action-command.ts,
 * create-or-update.ts and commands/actions/wait.ts.
 */
import { hasEnded } from '../../domain/actions.ts'
import type { ActionSummary } from '../../domain/schemas.ts'
import { delay } from '../../lib/delay.ts'
import { withTimeout } from '../../lib/with-timeout.ts'
import { openLiveConnection } from '../api/live-connection.ts'
import type { ApiClient } from '../api/types.ts'
import { CliError } from '../errors/cli-error.ts'
import { describeState } from '../output/columns.ts'
import { explainAction, explainCheck, explanationLines } from '../output/explanation.ts'
import type { Progress } from '../output/progress.ts'
import { createCheckHint } from './check-hint.ts'
import type { InterruptHandler } from './interrupt-handler.ts'
import { streamOutput } from './stream-output.ts'
import { evaluateWait, findNewerAttempt, type Snapshot, type TargetState } from './wait-outcome.ts'

/** `actionId`: the action to wait for; null to wait for the deployment only. */
export type WaitTarget = { name: string; targetState: TargetState; actionId: number | null }
type WaitAndFollowOptions = {
  progress: Progress
  /** Compared with performance.now(). */
  deadlineMs: number
  follow: boolean
  /** Tracks the action already. */
  interruptHandler: InterruptHandler
}
export type WaitResult = { snapshot: Snapshot | null; failure: unknown }

/** How long to wait for the rest of the output after the deployment has reached its target. */
const outputGraceMs = 3000

export async function waitAndFollow(
  client: ApiClient,
  target: WaitTarget,
  options: WaitAndFollowOptions,
): Promise<WaitResult> {
  const { progress, deadlineMs, follow, interruptHandler } = options
  const stopOutput = new AbortController()
  let output = Promise.resolve()
  let wasOutputShown = false
  /** Shows the output of one attempt after the other. */
  const followAction = (actionId: number) => {
    output = output.then(async () => {
      const wasShown = await showOutput(client, actionId, progress, stopOutput.signal)
      wasOutputShown ||= wasShown
    })
  }
  if (follow && target.actionId !== null) followAction(target.actionId)
  let snapshot: Snapshot | null = null
  let failure: unknown = null
  const showCheckHint = createCheckHint(progress)
  try {
    await waitFor(client, target, {
      deadlineMs,
      onState: (current) => {
        snapshot = current
        progress.status(describeState(current))
        showCheckHint(current)
      },
      onRetry: (interrupted, { action_id: actionId, attempt }) => {
        progress.note(
          `Action ${interrupted.action_id} was interrupted: its runner was lost. Attempt ${attempt} is action ${actionId}.`,
        )
        interruptHandler.track(actionId)
        if (follow) followAction(actionId)
      },
      onServerDown: (error) => progress.note(`${error.message} Still waiting.`),
    })
  } catch (error) {
    failure = error
  }
  const timedOut = failure instanceof CliError && failure.kind === 'timed_out'
  if (!timedOut) await withTimeout(output, outputGraceMs, () => {})
  stopOutput.abort()
  await output
  if (wasOutputShown && failure instanceof CliError) removeShownOutput(failure, snapshot)
  interruptHandler.done()
  return { snapshot, failure }
}

/** The lines below the message would repeat what --follow has just printed. */
function removeShownOutput(failure: CliError, snapshot: Snapshot | null): void {
  const explanation = snapshot?.action ? explainAction(snapshot.action) : null
  if (explanation !== null) failure.details = explanationLines({ ...explanation, output: [] })
}

/** Returns whether output was shown. Throws no CliError: without permission to read the output, the command still waits for the result. */
async function showOutput(
  client: ApiClient,
  actionId: number,
  progress: Progress,
  signal: AbortSignal,
): Promise<boolean> {
  let wasShown = false
  const onConnectionLost = (failure: CliError) => progress.note(`${failure.message} Reconnecting.`)
  try {
    for await (const chunk of streamOutput(client, actionId, { signal, onConnectionLost })) {
      progress.output(chunk.text, chunk.stream)
      wasShown = true
    }
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    // A successful cleanup deletes its output.
    if (error.status === 404) return wasShown
    progress.note(
      error.kind === 'not_allowed'
        ? 'This credential may not read output; waiting without it.'
        : `${error.message} Waiting without output.`,
    )
  }
  return wasShown
}

type WaitOptions = {
  /** Compared with performance.now(). */
  deadlineMs: number
  /** Called with every state that was fetched. */
  onState?: (snapshot: Snapshot) => void
  /** Called when the system has started a new attempt, which is waited for from now on. */
  onRetry?: (interrupted: ActionSummary, newAttempt: ActionSummary) => void
  /** Called once for each period without a response. */
  onServerDown?: (failure: CliError) => void
  maxDowntimeMs?: number
  /** `live`: while the websocket is connected. */
  pollIntervalMs?: { live: number; offline: number }
}

/**
 * Returns when the deployment has reached the target. Throws a CliError: the failure of the action, `timed_out`, or an
 * error of the server that a retry does not cure.
 */
export async function waitFor(
  client: ApiClient,
  target: WaitTarget,
  options: WaitOptions,
): Promise<Snapshot> {
  const { maxDowntimeMs = 120_000, pollIntervalMs = { live: 10_000, offline: 1500 } } = options
  let wakeUp = () => {}
  let eventReceived = false
  const connection = openLiveConnection(client, {
    onEvent: (event) => {
      if (event.type !== 'refresh' && event.name !== target.name) return
      eventReceived = true
      wakeUp()
    },
  })
  let downSinceMs: number | null = null
  let snapshot: Snapshot | null = null
  let { actionId } = target
  try {
    for (;;) {
      eventReceived = false
      try {
        snapshot = await fetchState(client, { ...target, actionId })
        downSinceMs = null
        const newAttempt = findNewerAttempt(snapshot)
        if (snapshot.action !== null && newAttempt !== null) {
          options.onRetry?.(snapshot.action, newAttempt)
          actionId = newAttempt.action_id
          snapshot = { ...snapshot, action: newAttempt }
        }
        options.onState?.(snapshot)
        const outcome = evaluateWait(target.targetState, snapshot)
        if (outcome === 'arrived') return snapshot
        if (outcome !== null) throw outcome
      } catch (error) {
        if (!(error instanceof CliError) || !mayRecover(error)) throw error
        if (downSinceMs === null) options.onServerDown?.(error)
        downSinceMs ??= performance.now()
        if (performance.now() - downSinceMs > maxDowntimeMs) throw error
      }
      const remainingMs = options.deadlineMs - performance.now()
      if (remainingMs <= 0) throw timeoutError(target, snapshot)
      const wakeController = new AbortController()
      wakeUp = () => wakeController.abort()
      // An event may have arrived during the fetch.
      if (!eventReceived)
        await delay(
          Math.min(remainingMs, connection.isLive() ? pollIntervalMs.live : pollIntervalMs.offline),
          wakeController.signal,
        )
    }
  } finally {
    connection.close()
  }
}

const mayRecover = ({ kind, transient }: CliError) => transient || kind === 'unreachable' || kind === 'broken'

/** Fetches the deployment and the action waited for, which may no longer be its last action. */
async function fetchState(client: ApiClient, { name, actionId }: WaitTarget): Promise<Snapshot> {
  const info = await nullIfNotFound(client.call('getFullInfo', { params: { name } }))
  const lastAction = info?.last_action ?? null
  if (actionId === null || info === null) return { name, info, action: null }
  if (lastAction?.action_id === actionId) return { name, info, action: lastAction }
  const action: ActionSummary | null = await nullIfNotFound(
    client.call('getAction', { params: { action_id: actionId } }),
  )
  return { name, info, action }
}

/** Null when the server responds that the object does not exist. */
async function nullIfNotFound<T>(response: Promise<T>): Promise<T | null> {
  try {
    return await response
  } catch (error) {
    if (error instanceof CliError && error.status === 404 && error.kind === 'refused') return null
    throw error
  }
}

/** With what the deployment waits for: the action, else the check and its words. */
function timeoutError({ name, targetState }: WaitTarget, snapshot: Snapshot | null): CliError {
  const action = snapshot?.action ?? snapshot?.info?.last_action ?? null
  const isActionActive = action !== null && !hasEnded(action.state)
  const check = isActionActive ? null : explainCheck(snapshot?.info?.last_check ?? null)
  const state = isActionActive
    ? ` (action ${action.action_id} is ${action.state})`
    : check !== null
      ? '. Its check fails'
      : ''
  const canStop = snapshot?.info?.last_check?.failure?.remedies.includes('stop_waiting')
  const error = new CliError(
    'timed_out',
    `Deployment ${name} did not become ${targetState} in time${state}.`,
    `Nothing was cancelled. Wait again: octo wait -n ${name}${canStop ? `. Stop waiting: octo stop-waiting -n ${name}` : ''}`,
  )
  if (check !== null) error.details = [check.message, ...explanationLines(check)]
  return error
}
