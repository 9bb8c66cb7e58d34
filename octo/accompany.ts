/**
 * Stays with an action until its deployment has arrived, and shows its progress and output meanwhile. Loaded by
 * change.ts and commands/wait.ts when somebody waits.
 */
import type { Octopod } from './client.ts'
import { Failure } from './failure.ts'
import { followOutput } from './follow.ts'
import { standing } from './looks.ts'
import type { Progress } from './progress.ts'
import { pause } from './retry.ts'
import type { Sight } from './verdict.ts'
import { type Goal, waitFor } from './wait.ts'

type Ways = { follow: boolean; progress: Progress; deadlineMs: number }
export type End = { sight: Sight | null; failure: unknown }

/** What is left of the output may come this much after the deployment has arrived. */
const restMs = 3000

export async function accompany(
  octopod: Octopod,
  goal: Goal,
  { follow, progress, deadlineMs }: Ways,
): Promise<End> {
  const leaving = new AbortController()
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
