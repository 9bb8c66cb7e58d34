/**
 * Stays with an action until its deployment has arrived, and shows its progress and output meanwhile. Loaded by
 * change.ts, upsert.ts and commands/wait.ts when somebody waits.
 */
import type { Octopod } from './client.ts'
import { Failure } from './failure.ts'
import { followOutput } from './follow.ts'
import type { Leaving } from './leaving.ts'
import { standing } from './looks.ts'
import type { Progress } from './progress.ts'
import { pause } from './retry.ts'
import type { Sight } from './verdict.ts'
import { type Goal, waitFor } from './wait.ts'

type Ways = {
  progress: Progress
  deadlineMs: number
  follow: boolean
  /** Stays with the action already. */
  leaving: Leaving
}
export type End = { sight: Sight | null; failure: unknown }

/** What is left of the output may come this much after the deployment has arrived. */
const restMs = 3000

export async function accompany(octopod: Octopod, goal: Goal, ways: Ways): Promise<End> {
  const { progress, deadlineMs, follow, leaving } = ways
  const enough = new AbortController()
  let output = Promise.resolve()
  /** Of one attempt after the other. */
  const show = (actionId: number) => {
    output = output.then(() => showOutput(octopod, actionId, progress, enough.signal))
  }
  if (follow && goal.actionId !== null) show(goal.actionId)
  let sight: Sight | null = null
  let failure: unknown = null
  try {
    await waitFor(octopod, goal, {
      deadlineMs,
      onSight: (seen) => {
        sight = seen
        progress.stands(standing(seen))
      },
      onRetry: (lost, { action_id: actionId, attempt }) => {
        const words = `Action ${lost.action_id} was interrupted, its runner was lost`
        progress.note(`${words}: attempt ${attempt} is action ${actionId}.`)
        leaving.stayWith(actionId)
        if (follow) show(actionId)
      },
      onAway: (away) => progress.note(`${away.message} Waiting on.`),
    })
  } catch (error) {
    failure = error
  }
  const late = failure instanceof Failure && failure.kind === 'timed_out'
  if (!late) await Promise.race([output, pause(restMs, enough.signal)])
  enough.abort()
  await output
  leaving.arrived()
  return { sight, failure }
}

/** Never fails: who may not see the output still learns how it ended. */
async function showOutput(
  octopod: Octopod,
  actionId: number,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const onCut = (failure: Failure) => progress.note(`${failure.message} Following on.`)
  try {
    for await (const chunk of followOutput(octopod, actionId, { signal, onCut })) progress.pass(chunk.text)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    // A cleanup that succeeded has taken its output with it.
    if (error.status === 404) return
    progress.note(
      error.kind === 'not_allowed'
        ? 'Output needs the admin credential; waiting without it.'
        : `${error.message} Waiting without the output.`,
    )
  }
}
