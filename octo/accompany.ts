/**
 * Stays with an action until its deployment has arrived, and shows its progress and output meanwhile. Loaded by
 * change.ts, upsert.ts and commands/wait.ts when somebody waits.
 */
import type { Octopod } from './client.ts'
import { Failure } from './failure.ts'
import { followOutput } from './follow.ts'
import { onInterrupt } from './interrupt.ts'
import { standing } from './looks.ts'
import type { Progress } from './progress.ts'
import { pause } from './retry.ts'
import type { Sight } from './verdict.ts'
import { type Goal, waitFor } from './wait.ts'

type Ways = {
  progress: Progress
  deadlineMs: number
  follow?: boolean
  /** The first Ctrl-C cancels the action, whose end is then waited for. */
  cancelOnInterrupt?: boolean
}
export type End = { sight: Sight | null; failure: unknown }

/** What is left of the output may come this much after the deployment has arrived. */
const restMs = 3000

export async function accompany(octopod: Octopod, goal: Goal, ways: Ways): Promise<End> {
  const { progress, deadlineMs, follow = false, cancelOnInterrupt = false } = ways
  const leaving = new AbortController()
  const release = onInterrupt(interrupted(octopod, goal, progress, cancelOnInterrupt))
  const output =
    follow && goal.actionId !== null
      ? showOutput(octopod, goal.actionId, progress, leaving.signal)
      : Promise.resolve()
  let sight: Sight | null = null
  let failure: unknown = null
  try {
    await waitFor(octopod, goal, {
      deadlineMs,
      onSight: (seen) => {
        sight = seen
        progress.stands(standing(seen))
      },
      onAway: (away) => progress.note(`${away.message} Waiting on.`),
    })
  } catch (error) {
    failure = error
  }
  const late = failure instanceof Failure && failure.kind === 'timed_out'
  if (!late) await Promise.race([output, pause(restMs, leaving.signal)])
  leaving.abort()
  await output
  release()
  return { sight, failure }
}

/** What was begun goes on without us, unless it is to be cancelled: then once more ends the waiting. */
function interrupted(octopod: Octopod, { name, actionId }: Goal, progress: Progress, cancels: boolean) {
  let cancelling = false
  return (end: () => void) => {
    if (cancels && actionId !== null && !cancelling) {
      cancelling = true
      progress.note(`Cancelling action ${actionId}; a second Ctrl-C ends at once.`)
      octopod
        .call('cancelAction', { params: { action_id: actionId } })
        .catch((error) => progress.note(`It could not be cancelled: ${error.message}`))
      return
    }
    progress.end()
    progress.note(
      actionId === null
        ? `Waiting has ended; octo wait -n ${name} waits on.`
        : `Waiting has ended, action ${actionId} goes on: octo wait -a ${actionId} waits on, octo cancel -a ${actionId} ends it.`,
    )
    end()
  }
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
