/**
 * Handles Ctrl-C and other signals while octo starts an action and waits for it. Without --cancel-on-interrupt the
 * action goes on and octo prints how to continue waiting; with it, octo cancels the action. Created by
 * action-command.ts and commands/actions/wait.ts.
 */
import type { ApiClient } from '../api/types.ts'
import { onInterrupt } from '../cli/signals.ts'
import { CliError } from '../errors/cli-error.ts'
import type { Progress } from '../output/progress.ts'

export type InterruptHandler = {
  /** Sends a request that starts an action, and tracks that action. */
  request: ApiClient['request']
  /** Tracks this action from now on; null when its id is unknown. */
  track(actionId: number | null): void
  /** The action has ended. */
  done(): void
  /** Sets a note about a request that would follow; a signal before that request prints it. */
  setPendingNote(note: string): void
  /** Removes the signal listeners. */
  close(): void
}

type InterruptOptions = { name: string; progress: Progress; cancelOnInterrupt: boolean }
/** What octo waits for: nothing, the response to a request, or an action. */
type Activity = 'none' | 'request' | { actionId: number | null }

export function createInterruptHandler(
  client: ApiClient,
  { name, progress, cancelOnInterrupt }: InterruptOptions,
): InterruptHandler {
  let activity: Activity = 'none'
  let pendingNote = ''
  /** Set by the first signal, which cancels; the second signal ends the process. */
  let isCancelling = false

  const close = onInterrupt((endProcess) => {
    const canCancel = activity === 'request' || (activity !== 'none' && activity.actionId !== null)
    if (cancelOnInterrupt && canCancel && !isCancelling) {
      isCancelling = true
      if (activity === 'request')
        progress.note(
          'The action will be cancelled as soon as it is accepted. Press Ctrl-C again to quit now.',
        )
      else cancel()
      return
    }
    progress.end()
    const message = [describeActivity(name, activity), pendingNote].filter((text) => text !== '').join(' ')
    if (message !== '') progress.note(message)
    endProcess()
  })

  const cancel = () => {
    if (typeof activity === 'string') return
    const { actionId } = activity
    if (actionId === null)
      return progress.note('The action cannot be cancelled: the server did not send its id.')
    progress.note(`Cancelling action ${actionId}. Press Ctrl-C again to quit now.`)
    client
      .call('cancelAction', { params: { action_id: actionId } })
      .catch((error) => progress.note(`The action could not be cancelled: ${error.message}`))
  }

  const track = (actionId: number | null) => {
    activity = { actionId }
    if (isCancelling) cancel()
  }

  return {
    request: async (endpoint, content, options) => {
      // The signal came during a request that failed, or after the action had ended.
      if (isCancelling)
        throw new CliError('cancelled', `Ended by a signal. ${pendingNote || 'No action was started.'}`)
      activity = 'request'
      pendingNote = ''
      try {
        const result = await client.request(endpoint, content, options)
        track(result.actionId)
        return result
      } catch (error) {
        activity = 'none'
        throw error
      }
    },
    track,
    done: () => {
      activity = 'none'
    },
    setPendingNote: (note) => {
      pendingNote = note
    },
    close,
  }
}

function describeActivity(name: string, activity: Activity): string {
  if (activity === 'none') return ''
  if (activity === 'request')
    return `It is unknown whether the server accepted the request. Check with: octo actions -n ${name}.`
  const { actionId } = activity
  return actionId === null
    ? `Stopped waiting. Wait again: octo wait -n ${name}.`
    : `Stopped waiting; action ${actionId} goes on. Wait again: octo wait -a ${actionId}. Cancel it: octo cancel -a ${actionId}.`
}
