/** Doing something to a deployment from anywhere on the page: the question first, then the request, then the words. */
import { signal } from '@preact/signals'
import type { Action, ActionSummary, FullInfo } from '../../domain/schemas.ts'
import { createIdempotencyKey } from '../api/client.ts'
import { toApiError } from '../api/errors.ts'
import type { AppContext } from '../app-context.ts'
import { actionVerbs } from '../format.ts'
import type { Confirmation } from '../ui/confirm.ts'
import type { DeploymentAction } from './available-actions.ts'

/** Asks, then asks the server. True: accepted. What happens then arrives live. */
export async function runAction(
  app: AppContext,
  action: DeploymentAction,
  { deployment: { name } }: FullInfo,
): Promise<boolean> {
  if (action === 'update') {
    app.overlay.value = { panel: 'edit', name }
    return true
  }
  const confirmation = confirmationOf(action, name)
  if (confirmation !== null && !(await app.confirmations.confirm(confirmation))) return false
  const options = {
    params: { name },
    key: createIdempotencyKey(),
    reason: confirmation?.reason?.peek() ?? '',
  }
  try {
    await app.client.call(`${action}Deployment`, options)
    app.toasts.showSuccess(
      action === 'delete' ? `${name} is deleted.` : `${actionVerbs[action].doing} ${name}.`,
    )
    refreshIfOffline(app)
    return true
  } catch (error) {
    app.toasts.showError(toApiError(error))
    refreshIfOffline(app)
    return false
  }
}

export async function cancelAction(
  app: AppContext,
  action: Action | ActionSummary,
  name: string,
): Promise<void> {
  const confirmed = await app.confirmations.confirm({
    title: `Cancel what runs on ${name}?`,
    text: 'The script is told to stop, then stopped by force. What it has done so far stays.',
    confirmLabel: 'Cancel the action',
    cancelLabel: 'Let it run',
    danger: true,
  })
  if (!confirmed) return
  try {
    await app.client.call('cancelAction', {
      params: { action_id: action.action_id },
      key: createIdempotencyKey(),
    })
  } catch (error) {
    app.toasts.showError(toApiError(error))
  }
  refreshIfOffline(app)
}

/** Where nothing arrives live, what was just done must still be seen. */
export function refreshIfOffline({ live, sync }: AppContext): void {
  if (live.connectionState.peek() !== 'live') void sync.refresh()
}

function confirmationOf(action: Exclude<DeploymentAction, 'update'>, name: string): Confirmation | null {
  if (action === 'restore') return null
  const cancelLabel = 'Keep it'
  if (action === 'archive') {
    return {
      title: `Archive ${name}?`,
      text: 'It stops running and gives its resources back. It can be restored later.',
      confirmLabel: 'Archive',
      cancelLabel,
      danger: false,
      reason: signal(''),
    }
  }
  if (action === 'cleanup') {
    return {
      title: `Clean up ${name}?`,
      text: 'Its data is deleted, then its record and history. There is no way back.',
      confirmLabel: 'Clean up',
      cancelLabel,
      danger: true,
    }
  }
  return {
    title: `Delete the record of ${name}?`,
    text: 'Octopod forgets it and its history without running any script: whatever still runs goes on unseen.',
    confirmLabel: 'Delete record',
    cancelLabel,
    danger: true,
  }
}
