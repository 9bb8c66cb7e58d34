/**
 * Ctrl-C, or the end of a CI job, while an action is begun and waited for: it is said what goes on, or with
 * --cancel-on-interrupt the action is cancelled. Opened by action-command.ts and commands/wait.ts.
 */
import type { ApiClient } from '../api/client.ts'
import { onInterrupt } from '../cli/signals.ts'
import { CliError } from '../errors/cli-error.ts'
import type { Progress } from '../output/progress.ts'

export type InterruptHandler = {
  /** Asks for an action, and stays with the one that was accepted. */
  send: ApiClient['request']
  /** This action is the one that goes on or is cancelled; null where nobody knows its id. */
  track(actionId: number | null): void
  /** Nothing is under way any more. */
  done(): void
  /** What will not be done: said to who leaves before the next request. */
  setPendingNote(message: string): void
  /** Signals end the process again. */
  close(): void
}

type InterruptOptions = { name: string; progress: Progress; cancelOnInterrupt: boolean }
type Activity = 'nothing' | 'request' | { actionId: number | null }

export function createInterruptHandler(
  client: ApiClient,
  { name, progress, cancelOnInterrupt }: InterruptOptions,
): InterruptHandler {
  let activity: Activity = 'nothing'
  let pendingNote = ''
  /** Set by the first signal that cancels; the second one ends the process. */
  let isCancelling = false

  const close = onInterrupt((endProcess) => {
    const canCancel = activity === 'request' || (activity !== 'nothing' && activity.actionId !== null)
    if (cancelOnInterrupt && canCancel && !isCancelling) {
      isCancelling = true
      if (activity === 'request')
        progress.note('It is cancelled as soon as it is accepted; a second Ctrl-C ends at once.')
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
    if (actionId === null) return progress.note('It cannot be cancelled: the server has not told its id.')
    progress.note(`Cancelling action ${actionId}; a second Ctrl-C ends at once.`)
    client
      .call('cancelAction', { params: { action_id: actionId } })
      .catch((error) => progress.note(`It could not be cancelled: ${error.message}`))
  }

  const track = (actionId: number | null) => {
    activity = { actionId }
    if (isCancelling) cancel()
  }

  return {
    send: async (endpoint, request, options) => {
      // The signal came during a request that was refused, or was too late for an action that has arrived.
      if (isCancelling)
        throw new CliError('cancelled', `Ended by a signal. ${pendingNote || 'Nothing was begun.'}`)
      activity = 'request'
      pendingNote = ''
      try {
        const result = await client.request(endpoint, request, options)
        track(result.actionId)
        return result
      } catch (error) {
        activity = 'nothing'
        throw error
      }
    },
    track,
    done: () => {
      activity = 'nothing'
    },
    setPendingNote: (message) => {
      pendingNote = message
    },
    close,
  }
}

function describeActivity(name: string, activity: Activity): string {
  if (activity === 'nothing') return ''
  if (activity === 'request')
    return `Whether the request was accepted is not known: octo actions -n ${name} tells.`
  const { actionId } = activity
  return actionId === null
    ? `Waiting has ended; octo wait -n ${name} waits on.`
    : `Waiting has ended, action ${actionId} goes on: octo wait -a ${actionId} waits on, octo cancel -a ${actionId} ends it.`
}
