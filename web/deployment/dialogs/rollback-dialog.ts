/**
 * Repeats an update or rolls back to the config of an earlier action: shows first what would change. The server takes the
 * config, secrets included. Opened from the history.
 */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import { createIdempotencyKey } from '../../../client/call-endpoint.ts'
import { diffBothLevels } from '../../../client/config-diff.ts'
import { type ApiError, toApiError } from '../../../client/errors.ts'
import { kindFromWireName } from '../../../domain/actions.ts'
import { type ByLevel, type KeyValue, type Override, overridesFromWire } from '../../../domain/overrides.ts'
import type { Action } from '../../../domain/schemas.ts'
import { useApp } from '../../app-context.ts'
import { createDefaultsResource } from '../../config/config-defaults.ts'
import { ConfigDiff } from '../../config/config-diff-list.ts'
import { Dialog } from '../../ui/dialogs/dialog.ts'
import { ErrorBox } from '../../ui/error-box.ts'
import { RelativeTime } from '../../ui/relative-time.ts'
import { ReasonField } from '../../ui/text-field.ts'
import { disabledReason } from '../available-actions.ts'
import { followAction } from '../follow-action.ts'
import { refreshIfOffline } from '../run-action.ts'
import { actionVerbs } from '../status-labels.ts'
import { isBusy, type WhenBusyAnswer, WhenBusyChoice, whenBusyHeader } from './when-busy-choice.ts'

export function RollbackDialog({ name, actionId }: { name: string; actionId: number }): VNode {
  const app = useApp()
  const { client, store, overlay, toasts, ownChanges, identity } = app
  const action = useSignal<Action | null>(null)
  const error = useSignal<ApiError | null>(null)
  const isSending = useSignal(false)
  const reason = useSignal('')
  const info = store.rows.get(name)?.value
  const whenBusy = useSignal<WhenBusyAnswer>(isBusy(info) ? 'wait' : null)
  const key = useMemo(createIdempotencyKey, [])
  const load = async () => {
    error.value = null
    try {
      action.value = await client.call('getAction', { params: { action_id: actionId } })
    } catch (caught) {
      error.value = toApiError(caught)
    }
  }
  useEffect(() => void load(), [])
  const close = () => {
    overlay.value = null
  }
  const wanted = action.value === null ? null : overridesFromWire(action.value)
  const defaults = useDefaults(wanted)
  const changes =
    info === undefined || wanted === null
      ? null
      : diffBothLevels(overridesFromWire(info.deployment), wanted, defaults)
  const refused = info === undefined ? `${name} was deleted.` : disabledReason('update', info, identity)
  const canSend = changes !== null && refused === null && !isSending.value
  const send = async (event: Event) => {
    event.preventDefault()
    if (!canSend || info === undefined) return
    isSending.value = true
    error.value = null
    ownChanges.add(name)
    try {
      const response = await client.fetch('rollbackDeployment', {
        params: { name },
        body: { action_id: actionId },
        key: `${key}-${whenBusy.value ?? ''}`,
        reason: reason.value,
        revision: info.revision,
        headers: whenBusyHeader(whenBusy.value),
      })
      toasts.showSuccess(`Updating ${name} with the config of action ${actionId}.`, name)
      followAction(app, name, response)
      close()
    } catch (caught) {
      ownChanges.delete(name)
      error.value = toApiError(caught)
      if (error.value.code === 'busy') whenBusy.value = 'wait'
    }
    refreshIfOffline(app)
    isSending.value = false
  }
  const isSame = changes?.length === 0
  const title = isSame ? `Repeat the update of ${name}?` : `Roll back ${name}?`
  return html`<${Dialog} variant="modal wide" label=${title} onClose=${close}>
    <form onSubmit=${send}>
      <h2>${title}</h2>
      ${action.value === null && error.value === null && html`<p role="status">Loading the config of action ${actionId}…</p>`}
      ${
        action.value !== null &&
        html`<p>
          ${isSame ? 'The config is the same as now; the update script runs again. It is that of ' : 'These keys change, back to the config of '}
          action ${actionId}, ${actionVerbs[kindFromWireName(action.value.action)].verb.toLowerCase()} by ${action.value.actor},${' '}
          <${RelativeTime} time=${action.value.created_at} />.
        </p>`
      }
      ${changes !== null && html`<${ConfigDiff} changes=${changes} />`}
      ${action.value !== null && html`<${ReasonField} reason=${reason} />`}
      ${whenBusy.value !== null && html`<${WhenBusyChoice} answer=${whenBusy} kind="update" />`}
      ${error.value !== null && html`<${ErrorBox} error=${error.value} onRetry=${action.value === null ? () => void load() : undefined} />`}
      <div class="buttons">
        <span class="disabled-reason">${refused}</span>
        <button type="button" onClick=${close}>Cancel</button>
        <button type="submit" class="primary" aria-disabled=${!canSend}>${isSending.value ? 'Checking config…' : isSame ? 'Repeat the update' : 'Roll back'}</button>
      </div>
    </form>
  <//>`
}

/** The defaults of now, which count again where an override ends. Empty while they load, and when they cannot be read. */
function useDefaults(wanted: ByLevel<readonly Override[]> | null): ByLevel<readonly KeyValue[]> {
  const { client } = useApp()
  const overrides = useSignal<readonly Override[]>([])
  const resource = useMemo(() => {
    if (wanted === null) return null
    overrides.value = wanted.deployment
    return createDefaultsResource(client, overrides)
  }, [wanted === null])
  useEffect(() => resource?.close, [resource])
  return {
    application: resource?.application.value.pairs ?? [],
    deployment: resource?.deployment.value.pairs ?? [],
  }
}
