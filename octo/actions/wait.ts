/**
 * Waits until a deployment has arrived: the websocket tells when to look, a slow poll looks anyway, and after every new
 * connection the state is read, so that the end is never missed. Called by action-command.ts and commands/wait.ts.
 */
import type { ActionSummary } from '../../domain/schemas.ts'
import { delay } from '../../lib/delay.ts'
import type { ApiClient } from '../api/client.ts'
import { openLiveConnection } from '../api/live-connection.ts'
import { CliError } from '../errors/cli-error.ts'
import { evaluateWait, findNewerAttempt, type Snapshot, type TargetState } from './wait-outcome.ts'

export type WaitTarget = { name: string; targetState: TargetState; actionId: number | null }
export type WaitOptions = {
  /** Of performance.now(). */
  deadlineMs: number
  /** Called with every state seen. */
  onState?: (sight: Snapshot) => void
  /** The action was interrupted, and the system has begun it again: it is waited for from now on. */
  onRetry?: (interrupted: ActionSummary, newAttempt: ActionSummary) => void
  /** The server did not answer; called once a downtime. */
  onServerDown?: (failure: CliError) => void
  /** How long the server may be away. */
  maxDowntimeMs?: number
  pollIntervalMs?: { live: number; offline: number }
}

/** Ends when it has arrived. Throws a Failure: of the action, `timed_out`, or what the server says for good. */
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
      // Something may have changed while we looked.
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

/** The deployment and the action that was begun, which may not be its last one any more. */
async function fetchState(client: ApiClient, { name, actionId }: WaitTarget): Promise<Snapshot> {
  const info = await nullIfNotFound(client.call('getFullInfo', { params: { name } }))
  const snapshot = info?.last_action ?? null
  if (actionId === null || info === null) return { name, info, action: null }
  if (snapshot?.action_id === actionId) return { name, info, action: snapshot }
  const action: ActionSummary | null = await nullIfNotFound(
    client.call('getAction', { params: { action_id: actionId } }),
  )
  return { name, info, action }
}

/** Null where the server says that it is not there. */
export async function nullIfNotFound<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof CliError && error.status === 404 && error.kind === 'refused') return null
    throw error
  }
}

function timeoutError({ name, targetState }: WaitTarget, snapshot: Snapshot | null): CliError {
  const state =
    snapshot?.action === null || snapshot === null
      ? ''
      : ` (action ${snapshot.action.action_id} is ${snapshot.action.state})`
  return new CliError(
    'timed_out',
    `Deployment ${name} is not ${targetState} in the time given${state}.`,
    `Nothing was ended: octo wait -n ${name} waits on.`,
  )
}
