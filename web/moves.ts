/** What may be done with a deployment now, and in words why not. Pure; asked by the row's menu and the page's buttons. */
import { type ActionKind, actions, kindOfWire, mayBegin } from '../domain/action.ts'
import type { FullInfo } from '../domain/shapes.ts'
import { actionWords, activeAction, describeStatus, statusOf } from './words.ts'

export type Move = Exclude<ActionKind, 'create'> | 'delete'

/** Null: it may be done. */
export function whyNot(move: Move, info: FullInfo, isAdmin: boolean): string | null {
  if (!isAdmin && (move === 'delete' || actions[move].role === 'admin')) return 'For admins: sign in first.'
  const active = activeAction(info)
  if (active !== null) {
    const doing = actionWords[kindOfWire(active.action)].doing.toLowerCase()
    return `Wait until ${doing} has ended, or cancel it.`
  }
  if (move === 'delete' || mayBegin(move, statusOf(info))) return null
  return refusal(move, describeStatus(info).word.toLowerCase())
}

function refusal(move: Exclude<Move, 'delete'>, word: string): string {
  if (move === 'restore') return `Only what is archived can be restored; this is ${word}.`
  if (move === 'cleanup') return 'Archive it first.'
  if (word === 'archived' || word === 'cleanup failed') {
    return move === 'update' ? 'Restore it first: it is archived.' : 'It is archived already.'
  }
  return `Not while it is ${word}: wait for the check.`
}

export const moveNames: Record<Move, string> = {
  update: 'Edit config',
  archive: 'Archive',
  restore: 'Restore',
  cleanup: 'Clean up',
  delete: 'Delete record',
}
