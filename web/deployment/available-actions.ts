/**
 * Which actions a deployment allows, and the reason for each disabled one. Pure functions for the action
 * menu, the action buttons and the form.
 */

import { activeAction, statusOf } from '../../client/action-outcome.ts'
import type { RefusalTarget } from '../../domain/access/refusal.ts'
import { type ActionKind, canStart, canWait, kindFromWireName } from '../../domain/actions.ts'
import type { FullInfo } from '../../domain/schemas.ts'
import { isPending } from '../../domain/statuses.ts'
import type { Identity } from '../account/identity.ts'
import { actionVerbs, isArchived, statusLabel } from './status-labels.ts'

export type DeploymentAction = Exclude<ActionKind, 'create'> | 'delete'

/** Null: the action is allowed. What somebody may not do comes first, because waiting does not help. */
export function disabledReason(
  action: DeploymentAction,
  info: FullInfo,
  { refusal }: Pick<Identity, 'refusal'>,
): string | null {
  const refused = refusal(action, targetOf(info))
  if (refused !== null) return refused
  const active = activeAction(info)
  if (mayWait(action, info)) return null
  if (active !== null) {
    const runningLabel = actionVerbs[kindFromWireName(active.action)].inProgress.toLowerCase()
    return `Wait until ${runningLabel} has ended, or cancel it.`
  }
  if (action === 'delete' || canStart(action, statusOf(info))) return null
  return reasonByStatus(action, info)
}

/** While another action or its health check is under way, these may be asked to wait or to replace it. */
export const mayWait = (action: DeploymentAction, info: FullInfo): boolean =>
  action !== 'delete' && action !== 'cleanup' && canWait(action, statusOf(info))

function reasonByStatus(action: Exclude<DeploymentAction, 'delete'>, info: FullInfo): string {
  const status = statusLabel(info).label.toLowerCase()
  if (action === 'restore') return `Only an archived deployment can be restored; this one is ${status}.`
  if (action === 'cleanup') return 'Archive it first.'
  if (isArchived(info)) {
    return action === 'update' ? 'Restore it first: it is archived.' : 'It is already archived.'
  }
  return isPending(statusOf(info))
    ? 'Wait for the health check first.'
    : `Not possible while it is ${status}.`
}

/** What a decision about this deployment needs. */
export const targetOf = ({ deployment, owner }: FullInfo): RefusalTarget => ({
  name: deployment.name,
  owner: owner ?? null,
})

export const actionLabels: Record<DeploymentAction, string> = {
  update: 'Edit config',
  archive: 'Archive',
  restore: 'Restore',
  cleanup: 'Clean up',
  delete: 'Delete record',
}
