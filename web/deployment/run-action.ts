/**
 * Runs and cancels actions of a deployment: confirmation, request, message. Used by the action menu, the
 * action buttons and the keyboard shortcuts.
 */
import { signal } from '@preact/signals'
import { createIdempotencyKey } from '../../client/call-endpoint.ts'
import { ApiError, toApiError } from '../../client/errors.ts'
import { overridesFromWire, overridesToWire } from '../../domain/overrides.ts'
import type { Action, ActionSummary, FullInfo } from '../../domain/schemas.ts'
import { findOtherSecrets } from '../../domain/secrets/secret-reference.ts'
import type { AppContext } from '../app-context.ts'
import type { Confirmation } from '../ui/dialogs/confirm.ts'
import type { DeploymentAction } from './available-actions.ts'
import { actionVerbs } from './status-labels.ts'

/**
 * Asks for confirmation, then sends the request. Returns true when the server accepted it; the result
 * arrives through the live connection.
 */
export async function runAction(
  app: AppContext,
  action: DeploymentAction,
  { deployment: { name } }: FullInfo,
): Promise<boolean> {
  if (action === 'update') {
    app.overlay.value = { type: 'edit-config', name }
    return true
  }
  const confirmation = confirmations[action]?.(name) ?? null
  if (confirmation !== null && !(await app.confirmations.confirm(confirmation))) return false
  const options = {
    params: { name },
    key: createIdempotencyKey(),
    reason: confirmation?.reason?.peek() ?? '',
  }
  const done = action === 'delete' ? `${name} was deleted.` : `${actionVerbs[action].inProgress} ${name}.`
  return submit(app, name, () => app.client.call(`${action}Deployment`, options), done)
}

/** Repeats a failed action: an update with the config of the failed one, any other after its confirmation. */
export async function retryAction(
  app: AppContext,
  kind: Exclude<DeploymentAction, 'delete'>,
  info: FullInfo,
  failed: Action,
): Promise<void> {
  const { name } = info.deployment
  if (kind !== 'update') return void (await runAction(app, kind, info))
  const other = findOtherSecrets(overridesFromWire(failed), overridesFromWire(info.deployment))
  if (other.length > 0) return app.toasts.showError(secretsNotKept(other))
  const options = {
    params: { name },
    key: createIdempotencyKey(),
    body: overridesToWire(overridesFromWire(failed)),
    // Somebody else may have saved another config since.
    revision: info.revision,
  }
  await submit(
    app,
    name,
    () => app.client.call('updateDeployment', options),
    `${actionVerbs.update.inProgress} ${name}.`,
  )
}

/** The values of a failed update that never started are not stored with the deployment. */
const secretsNotKept = (keys: readonly string[]) =>
  new ApiError(
    'failed',
    `The failed update had other values of secret keys than the deployment has now: ${keys.join(', ')}.`,
    { hint: 'Edit the config and give these values again.' },
  )

/** Returns whether the server accepted the request. */
async function submit(
  app: AppContext,
  name: string,
  request: () => Promise<unknown>,
  done: string,
): Promise<boolean> {
  // Before the request: its event may come before its response.
  app.ownChanges.add(name)
  try {
    await request()
    app.toasts.showSuccess(done)
    refreshIfOffline(app)
    return true
  } catch (error) {
    app.ownChanges.delete(name)
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
    title: `Cancel the running action of ${name}?`,
    text: 'The script is asked to stop, then killed. Changes it has already made are kept.',
    confirmLabel: 'Cancel the action',
    cancelLabel: 'Keep it running',
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

/** Ends the wait for a health check that does not pass. */
export async function stopWaiting(app: AppContext, name: string): Promise<void> {
  const confirmed = await app.confirmations.confirm({
    title: `Stop waiting for ${name}?`,
    text: 'The deployment becomes Failing until its health check passes. You can then update or archive it.',
    confirmLabel: 'Stop waiting',
    cancelLabel: 'Keep waiting',
    danger: false,
  })
  if (!confirmed) return
  app.ownChanges.add(name)
  try {
    await app.client.call('stopWaiting', { params: { name }, key: createIdempotencyKey() })
  } catch (error) {
    app.ownChanges.delete(name)
    app.toasts.showError(toApiError(error))
  }
  refreshIfOffline(app)
}

/** Refetches the list unless the connection is live, so that the user sees the result of an action. */
export function refreshIfOffline({ live, sync }: AppContext): void {
  if (live.connectionState.peek() !== 'live') void sync.refresh()
}

/** The confirmation of each action; null: the action needs none. `name` is the deployment. */
const confirmations: Record<Exclude<DeploymentAction, 'update'>, ((name: string) => Confirmation) | null> = {
  restore: null,
  archive: (name) => ({
    title: `Archive ${name}?`,
    text: 'It stops and frees its resources. You can restore it later.',
    confirmLabel: 'Archive',
    cancelLabel: 'Keep it',
    danger: false,
    reason: signal(''),
  }),
  cleanup: (name) => ({
    title: `Clean up ${name}?`,
    text: 'Its data is deleted, then its record and history. This cannot be undone.',
    confirmLabel: 'Clean up',
    cancelLabel: 'Keep it',
    danger: true,
  }),
  delete: (name) => ({
    title: `Delete the record of ${name}?`,
    text: 'Octopod deletes the record and history without running a script. Resources that still run are not stopped.',
    confirmLabel: 'Delete record',
    cancelLabel: 'Keep it',
    danger: true,
  }),
}
