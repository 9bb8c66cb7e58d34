/**
 * Stays with an action until its deployment has arrived, and shows its progress and output meanwhile. Loaded by
 * action-command.ts, create-or-update.ts and commands/wait.ts when somebody waits.
 */

import { withTimeout } from '../../lib/with-timeout.ts'
import type { ApiClient } from '../api/client.ts'
import { CliError } from '../errors/cli-error.ts'
import { describeState } from '../output/columns.ts'
import type { Progress } from '../output/progress.ts'
import type { InterruptHandler } from './interrupt-handler.ts'
import { streamOutput } from './stream-output.ts'
import { type WaitTarget, waitFor } from './wait.ts'
import type { Snapshot } from './wait-outcome.ts'

type WaitAndFollowOptions = {
  progress: Progress
  deadlineMs: number
  follow: boolean
  /** Stays with the action already. */
  interruptHandler: InterruptHandler
}
export type WaitResult = { snapshot: Snapshot | null; failure: unknown }

/** What is left of the output may come this much after the deployment has arrived. */
const outputGraceMs = 3000

export async function waitAndFollow(
  client: ApiClient,
  target: WaitTarget,
  options: WaitAndFollowOptions,
): Promise<WaitResult> {
  const { progress, deadlineMs, follow, interruptHandler } = options
  const stopOutput = new AbortController()
  let output = Promise.resolve()
  /** Of one attempt after the other. */
  const followAction = (actionId: number) => {
    output = output.then(() => showOutput(client, actionId, progress, stopOutput.signal))
  }
  if (follow && target.actionId !== null) followAction(target.actionId)
  let snapshot: Snapshot | null = null
  let failure: unknown = null
  try {
    await waitFor(client, target, {
      deadlineMs,
      onState: (current) => {
        snapshot = current
        progress.status(describeState(current))
      },
      onRetry: (interrupted, { action_id: actionId, attempt }) => {
        const notice = `Action ${interrupted.action_id} was interrupted, its runner was lost`
        progress.note(`${notice}: attempt ${attempt} is action ${actionId}.`)
        interruptHandler.track(actionId)
        if (follow) followAction(actionId)
      },
      onServerDown: (error) => progress.note(`${error.message} Waiting on.`),
    })
  } catch (error) {
    failure = error
  }
  const timedOut = failure instanceof CliError && failure.kind === 'timed_out'
  if (!timedOut) await withTimeout(output, outputGraceMs, () => {})
  stopOutput.abort()
  await output
  interruptHandler.done()
  return { snapshot, failure }
}

/** Never fails: who may not see the output still learns how it ended. */
async function showOutput(
  client: ApiClient,
  actionId: number,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const onConnectionLost = (failure: CliError) => progress.note(`${failure.message} Following on.`)
  try {
    for await (const chunk of streamOutput(client, actionId, { signal, onConnectionLost }))
      progress.output(chunk.text)
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    // A cleanup that succeeded has taken its output with it.
    if (error.status === 404) return
    progress.note(
      error.kind === 'not_allowed'
        ? 'Output needs the admin credential; waiting without it.'
        : `${error.message} Waiting without the output.`,
    )
  }
}
