/** What may be done with a deployment now, and in words why not. Pure; asked by the row's menu and the page's buttons. */
import { type ActionKind, actions, canStart, kindFromWireName } from '../../domain/actions.ts'
import type { FullInfo } from '../../domain/schemas.ts'
import { actionVerbs, activeAction, statusLabel, statusOf } from '../format.ts'

export type DeploymentAction = Exclude<ActionKind, 'create'> | 'delete'

/** Null: it may be done. */
export function disabledReason(action: DeploymentAction, info: FullInfo, isAdmin: boolean): string | null {
  if (!isAdmin && (action === 'delete' || actions[action].role === 'admin'))
    return 'For admins: sign in first.'
  const active = activeAction(info)
  if (active !== null) {
    const runningLabel = actionVerbs[kindFromWireName(active.action)].doing.toLowerCase()
    return `Wait until ${runningLabel} has ended, or cancel it.`
  }
  if (action === 'delete' || canStart(action, statusOf(info))) return null
  return reasonByStatus(action, statusLabel(info).label.toLowerCase())
}

function reasonByStatus(action: Exclude<DeploymentAction, 'delete'>, statusLabel: string): string {
  if (action === 'restore') return `Only what is archived can be restored; this is ${statusLabel}.`
  if (action === 'cleanup') return 'Archive it first.'
  if (statusLabel === 'archived' || statusLabel === 'cleanup failed') {
    return action === 'update' ? 'Restore it first: it is archived.' : 'It is archived already.'
  }
  return `Not while it is ${statusLabel}: wait for the check.`
}

export const actionLabels: Record<DeploymentAction, string> = {
  update: 'Edit config',
  archive: 'Archive',
  restore: 'Restore',
  cleanup: 'Clean up',
  delete: 'Delete record',
}
