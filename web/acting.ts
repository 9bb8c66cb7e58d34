/** Doing something to a deployment from anywhere on the page: the question first, then the request, then the words. */
import { signal } from '@preact/signals'
import type { Action, ActionSummary, FullInfo } from '../domain/shapes.ts'
import { newKey } from './api.ts'
import type { Move } from './moves.ts'
import { problemOfError } from './problem.ts'
import type { Question } from './questions.ts'
import { actionWords } from './words.ts'
import type { World } from './world.ts'

/** Asks, then asks the server. True: accepted. What happens then arrives live. */
export async function act(world: World, move: Move, { deployment: { name } }: FullInfo): Promise<boolean> {
  if (move === 'update') {
    world.panel.value = { panel: 'edit', name }
    return true
  }
  const question = questionOf(move, name)
  if (question !== null && !(await world.questions.ask(question))) return false
  const request = { params: { name }, key: newKey(), reason: question?.reason?.peek() ?? '' }
  try {
    await world.client.ask(`${move}Deployment`, request)
    world.notices.say(move === 'delete' ? `${name} is deleted.` : `${actionWords[move].doing} ${name}.`)
    catchUp(world)
    return true
  } catch (error) {
    world.notices.complain(problemOfError(error))
    catchUp(world)
    return false
  }
}

export async function cancel(world: World, action: Action | ActionSummary, name: string): Promise<void> {
  const yes = await world.questions.ask({
    title: `Cancel what runs on ${name}?`,
    text: 'The script is told to stop, then stopped by force. What it has done so far stays.',
    yes: 'Cancel the action',
    no: 'Let it run',
    danger: true,
  })
  if (!yes) return
  try {
    await world.client.ask('cancelAction', { params: { action_id: action.action_id }, key: newKey() })
  } catch (error) {
    world.notices.complain(problemOfError(error))
  }
  catchUp(world)
}

/** Where nothing arrives live, what was just done must still be seen. */
export function catchUp({ live, sync }: World): void {
  if (live.hearing.peek() !== 'live') void sync.refresh()
}

function questionOf(move: Exclude<Move, 'update'>, name: string): Question | null {
  if (move === 'restore') return null
  const no = 'Keep it'
  if (move === 'archive') {
    return {
      title: `Archive ${name}?`,
      text: 'It stops running and gives its resources back. It can be restored later.',
      yes: 'Archive',
      no,
      danger: false,
      reason: signal(''),
    }
  }
  if (move === 'cleanup') {
    return {
      title: `Clean up ${name}?`,
      text: 'Its data is deleted, then its record and history. There is no way back.',
      yes: 'Clean up',
      no,
      danger: true,
    }
  }
  return {
    title: `Delete the record of ${name}?`,
    text: 'Octopod forgets it and its history without running any script: whatever still runs goes on unseen.',
    yes: 'Delete record',
    no,
    danger: true,
  }
}
