/**
 * Runs and cancels actions of a deployment: confirmation, request, message. Used by the action menu, the
 * action buttons and the keyboard shortcuts.
 */
import { signal } from '@preact/signals'
import { type ApiResponse, createIdempotencyKey } from '../../client/call-endpoint.ts'
import { ApiError, toApiError } from '../../client/errors.ts'
import { kindFromWireName } from '../../domain/actions.ts'
import { overridesFromWire, overridesToWire } from '../../domain/overrides.ts'
import type { Action, ActionSummary, FullInfo } from '../../domain/schemas.ts'
import { findOtherSecrets } from '../../domain/secrets/secret-reference.ts'
import type { AppContext } from '../app-context.ts'
import { editPath } from '../routes.ts'
import type { Confirmation } from '../ui/dialogs/confirm.ts'
import { actionLabels, type DeploymentAction, mayWait } from './available-actions.ts'
import { acceptedText, type WhenBusyAnswer, whenBusyHeader } from './dialogs/when-busy-choice.ts'
import { followAction } from './follow-action.ts'
import { actionVerbs } from './status-labels.ts'

/**
 * Asks for confirmation, then sends the request. Returns true when the server accepted it; the result
 * arrives through the live connection.
 */
export async function runAction(app: AppContext, action: DeploymentAction, info: FullInfo): Promise<boolean> {
  const { name } = info.deployment
  if (action === 'update') {
    openForm(app, name)
    return true
  }
  const whenBusy = signal<WhenBusyAnswer>(mayWait(action, info) ? 'wait' : null)
  const confirmation =
    confirmations[action]?.(name) ?? (whenBusy.peek() === null ? null : waitConfirmation(action, name))
  if (confirmation !== null && action !== 'delete' && whenBusy.peek() !== null)
    confirmation.whenBusy = { answer: whenBusy, kind: action }
  if (confirmation !== null && !(await app.confirmations.confirm(confirmation))) return false
  const options = {
    params: { name },
    key: createIdempotencyKey(),
    reason: confirmation?.reason?.peek() ?? '',
    headers: whenBusyHeader(whenBusy.peek()),
  }
  const done =
    action === 'delete'
      ? `${name} was deleted.`
      : whenBusy.peek() === null
        ? `${actionVerbs[action].inProgress} ${name}.`
        : acceptedText(`${actionVerbs[action].verb} of ${name}`, whenBusy.peek())
  return submit(app, name, () => app.client.fetch(`${action}Deployment`, options), done)
}

/** On the page of the deployment the form has an address, and Back closes it. */
function openForm({ router, overlay }: AppContext, name: string): void {
  const route = router.route.peek()
  if (route.page === 'deployment' && route.name === name) router.navigate(editPath(name))
  else overlay.value = { type: 'edit-config', name }
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
    () => app.client.fetch('updateDeployment', options),
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
  request: () => Promise<ApiResponse>,
  done: string,
): Promise<boolean> {
  // Before the request: its event may come before its response.
  app.ownChanges.add(name)
  try {
    const response = await request()
    app.toasts.showSuccess(done, name)
    followAction(app, name, response)
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
  const waits = app.store.rows.get(name)?.peek()?.waiting_action
  const confirmed = await app.confirmations.confirm({
    title: `Cancel the running action of ${name}?`,
    text: `The script is asked to stop, then killed. Changes it has already made are kept.${waits ? ` The waiting ${kindFromWireName(waits.action)} starts then.` : ''}`,
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

/** Nothing has started, so nothing is asked. */
export async function cancelWaiting(app: AppContext, actionId: number): Promise<void> {
  try {
    await app.client.call('cancelAction', { params: { action_id: actionId }, key: createIdempotencyKey() })
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

const waitConfirmation = (action: DeploymentAction, name: string): Confirmation => ({
  title: `${actionLabels[action]} ${name}?`,
  text: '',
  confirmLabel: actionLabels[action],
  cancelLabel: 'Cancel',
  danger: false,
})

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
    typedName: name,
  }),
  delete: (name) => ({
    title: `Delete the record of ${name}?`,
    text: 'Octopod deletes the record and history without running a script. Resources that still run are not stopped.',
    confirmLabel: 'Delete record',
    cancelLabel: 'Keep it',
    danger: true,
    typedName: name,
  }),
}
