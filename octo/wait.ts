/**
 * Waits until a deployment has arrived: the websocket tells when to look, a slow poll looks anyway, and after every new
 * connection the state is read, so that the end is never missed. Called by change.ts and commands/wait.ts.
 */
import type { ActionSummary } from '../domain/shapes.ts'
import type { Octopod } from './client.ts'
import { Failure } from './failure.ts'
import { openLive } from './live.ts'
import { pause } from './retry.ts'
import { type Aim, newestAttempt, type Sight, verdict } from './verdict.ts'

export type Goal = { name: string; aim: Aim; actionId: number | null }
export type Ways = {
  /** Of performance.now(). */
  deadlineMs: number
  /** Called with every state seen. */
  onSight?: (sight: Sight) => void
  /** The action was interrupted, and the system has begun it again: it is waited for from now on. */
  onRetry?: (lost: ActionSummary, attempt: ActionSummary) => void
  /** The server did not answer; called once a downtime. */
  onAway?: (failure: Failure) => void
  /** How long the server may be away. */
  awayMs?: number
  pollMs?: { hearing: number; deaf: number }
}

/** Ends when it has arrived. Throws a Failure: of the action, `timed_out`, or what the server says for good. */
export async function waitFor(octopod: Octopod, goal: Goal, ways: Ways): Promise<Sight> {
  const { awayMs = 120_000, pollMs = { hearing: 10_000, deaf: 1500 } } = ways
  let wake = () => {}
  let hinted = false
  const live = openLive(octopod, {
    hear: (heard) => {
      if (heard.type !== 'refresh' && heard.name !== goal.name) return
      hinted = true
      wake()
    },
  })
  let awaySince: number | null = null
  let last: Sight | null = null
  let { actionId } = goal
  try {
    for (;;) {
      hinted = false
      try {
        last = await look(octopod, { ...goal, actionId })
        awaySince = null
        const attempt = newestAttempt(last)
        if (last.action !== null && attempt !== null) {
          ways.onRetry?.(last.action, attempt)
          actionId = attempt.action_id
          last = { ...last, action: attempt }
        }
        ways.onSight?.(last)
        const is = verdict(goal.aim, last)
        if (is === 'arrived') return last
        if (is !== null) throw is
      } catch (error) {
        if (!(error instanceof Failure) || !isPassing(error)) throw error
        if (awaySince === null) ways.onAway?.(error)
        awaySince ??= performance.now()
        if (performance.now() - awaySince > awayMs) throw error
      }
      const leftMs = ways.deadlineMs - performance.now()
      if (leftMs <= 0) throw timedOut(goal, last)
      const woken = new AbortController()
      wake = () => woken.abort()
      // Something may have changed while we looked.
      if (!hinted) await pause(Math.min(leftMs, live.hearing() ? pollMs.hearing : pollMs.deaf), woken.signal)
    }
  } finally {
    live.close()
  }
}

const isPassing = ({ kind, transient }: Failure) => transient || kind === 'unreachable' || kind === 'broken'

/** The deployment and the action that was begun, which may not be its last one any more. */
async function look(octopod: Octopod, { name, actionId }: Goal): Promise<Sight> {
  const info = await orNull(octopod.call('getFullInfo', { params: { name } }))
  const last = info?.last_action ?? null
  if (actionId === null || info === null) return { name, info, action: null }
  if (last?.action_id === actionId) return { name, info, action: last }
  const action: ActionSummary | null = await orNull(
    octopod.call('getAction', { params: { action_id: actionId } }),
  )
  return { name, info, action }
}

/** Null where the server says that it is not there. */
export async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof Failure && error.status === 404 && error.kind === 'refused') return null
    throw error
  }
}

function timedOut({ name, aim }: Goal, last: Sight | null): Failure {
  const state =
    last?.action === null || last === null ? '' : ` (action ${last.action.action_id} is ${last.action.state})`
  return new Failure(
    'timed_out',
    `Deployment ${name} is not ${aim} in the time given${state}.`,
    `Nothing was ended: octo wait -n ${name} waits on.`,
  )
}
