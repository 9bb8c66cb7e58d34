/**
 * Which actions a deployment allows, and the reason for each disabled one. Pure functions for the action
 * menu, the action buttons and the form.
 */
import { type ActionKind, actions, canStart, kindFromWireName } from '../../domain/actions.ts'
import type { FullInfo } from '../../domain/schemas.ts'
import { actionVerbs, activeAction, isArchived, statusLabel, statusOf } from './status-labels.ts'

export type DeploymentAction = Exclude<ActionKind, 'create'> | 'delete'

/** Null: the action is allowed. */
export function disabledReason(action: DeploymentAction, info: FullInfo, isAdmin: boolean): string | null {
  if (!isAdmin && (action === 'delete' || actions[action].role === 'admin'))
    return 'Only for admins: sign in first.'
  const active = activeAction(info)
  if (active !== null) {
    const runningLabel = actionVerbs[kindFromWireName(active.action)].inProgress.toLowerCase()
    return `Wait until ${runningLabel} has ended, or cancel it.`
  }
  if (action === 'delete' || canStart(action, statusOf(info))) return null
  return reasonByStatus(action, info)
}

function reasonByStatus(action: Exclude<DeploymentAction, 'delete'>, info: FullInfo): string {
  const status = statusLabel(info).label.toLowerCase()
  if (action === 'restore') return `Only an archived deployment can be restored; this one is ${status}.`
  if (action === 'cleanup') return 'Archive it first.'
  if (isArchived(info)) {
    return action === 'update' ? 'Restore it first: it is archived.' : 'It is already archived.'
  }
  return `Not possible while it is ${status}: wait for the health check.`
}

export const actionLabels: Record<DeploymentAction, string> = {
  update: 'Edit config',
  archive: 'Archive',
  restore: 'Restore',
  cleanup: 'Clean up',
  delete: 'Delete record',
}
