/**
 * Ctrl-C, or the end of a CI job, while an action is begun and waited for: it is said what goes on, or with
 * --cancel-on-interrupt the action is cancelled. Opened by change.ts and commands/wait.ts.
 */
import type { Octopod } from './client.ts'
import { Failure } from './failure.ts'
import { onInterrupt } from './interrupt.ts'
import type { Progress } from './progress.ts'

export type Leaving = {
  /** Asks for an action, and stays with the one that was accepted. */
  ask: Octopod['ask']
  /** This action is the one that goes on or is cancelled; null where nobody knows its id. */
  stayWith(actionId: number | null): void
  /** Nothing is under way any more. */
  arrived(): void
  /** What will not be done: said to who leaves before the next request. */
  owe(words: string): void
  /** Signals end the process again. */
  close(): void
}

type Ways = { name: string; progress: Progress; cancels: boolean }
type UnderWay = 'nothing' | 'request' | { actionId: number | null }

export function openLeaving(octopod: Octopod, { name, progress, cancels }: Ways): Leaving {
  let underWay: UnderWay = 'nothing'
  let owed = ''
  /** Set by the first signal that cancels; the second one ends the process. */
  let cancelling = false

  const close = onInterrupt((end) => {
    const mayCancel = underWay === 'request' || (underWay !== 'nothing' && underWay.actionId !== null)
    if (cancels && mayCancel && !cancelling) {
      cancelling = true
      if (underWay === 'request')
        progress.note('It is cancelled as soon as it is accepted; a second Ctrl-C ends at once.')
      else cancel()
      return
    }
    progress.end()
    const words = [wordsOf(name, underWay), owed].filter((text) => text !== '').join(' ')
    if (words !== '') progress.note(words)
    end()
  })

  const cancel = () => {
    if (typeof underWay === 'string') return
    const { actionId } = underWay
    if (actionId === null) return progress.note('It cannot be cancelled: the server has not told its id.')
    progress.note(`Cancelling action ${actionId}; a second Ctrl-C ends at once.`)
    octopod
      .call('cancelAction', { params: { action_id: actionId } })
      .catch((error) => progress.note(`It could not be cancelled: ${error.message}`))
  }

  const stayWith = (actionId: number | null) => {
    underWay = { actionId }
    if (cancelling) cancel()
  }

  return {
    ask: async (endpoint, request, extra) => {
      // The signal came during a request that was refused, or was too late for an action that has arrived.
      if (cancelling) throw new Failure('cancelled', `Ended by a signal. ${owed || 'Nothing was begun.'}`)
      underWay = 'request'
      owed = ''
      try {
        const accepted = await octopod.ask(endpoint, request, extra)
        stayWith(accepted.actionId)
        return accepted
      } catch (error) {
        underWay = 'nothing'
        throw error
      }
    },
    stayWith,
    arrived: () => {
      underWay = 'nothing'
    },
    owe: (words) => {
      owed = words
    },
    close,
  }
}

function wordsOf(name: string, underWay: UnderWay): string {
  if (underWay === 'nothing') return ''
  if (underWay === 'request')
    return `Whether the request was accepted is not known: octo actions -n ${name} tells.`
  const { actionId } = underWay
  return actionId === null
    ? `Waiting has ended; octo wait -n ${name} waits on.`
    : `Waiting has ended, action ${actionId} goes on: octo wait -a ${actionId} waits on, octo cancel -a ${actionId} ends it.`
}
