/** Creates a deployment with the config of another one, secrets included. Opened from the menu of a deployment. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useMemo } from 'preact/hooks'
import { createIdempotencyKey } from '../../../client/call-endpoint.ts'
import { cloneRequest } from '../../../client/clone-request.ts'
import { diffBothLevels } from '../../../client/config-diff.ts'
import { type ApiError, toApiError } from '../../../client/errors.ts'
import { noOverrides, overridesFromWire } from '../../../domain/overrides.ts'
import { useApp } from '../../app-context.ts'
import { ConfigDiff } from '../../config/config-diff-list.ts'
import { deploymentPath } from '../../routes.ts'
import { Dialog } from '../../ui/dialogs/dialog.ts'
import { ErrorBox } from '../../ui/error-box.ts'
import { followAction } from '../follow-action.ts'
import { refreshIfOffline } from '../run-action.ts'
import { NameField } from './name-field.ts'
import { createNewName } from './new-name.ts'

export function CloneDialog({ name }: { name: string }): VNode {
  const app = useApp()
  const { client, store, overlay, toasts, ownChanges, router } = app
  const newName = useMemo(() => createNewName(app), [])
  const wasBlocked = useSignal(false)
  const error = useSignal<ApiError | null>(null)
  const isSending = useSignal(false)
  const key = useMemo(createIdempotencyKey, [])
  const info = store.rows.get(name)?.value
  const copied = info === undefined ? [] : diffBothLevels(noOverrides, overridesFromWire(info.deployment))
  const wanted = newName.name.value
  const refused = newName.error.value
  const close = () => {
    overlay.value = null
  }
  const send = async (event: Event) => {
    event.preventDefault()
    wasBlocked.value = refused !== null
    if (refused !== null || isSending.value) return
    isSending.value = true
    error.value = null
    ownChanges.add(wanted)
    try {
      const response = await client.fetch('cloneDeployment', {
        params: { name },
        body: cloneRequest(info ?? {}, wanted),
        key: `${key}-${wanted}`,
      })
      toasts.showSuccess(`Creating ${wanted} with the config of ${name}.`, wanted)
      followAction(app, wanted, response)
      refreshIfOffline(app)
      close()
      return router.navigate(deploymentPath(wanted))
    } catch (caught) {
      ownChanges.delete(wanted)
      error.value = toApiError(caught)
    }
    isSending.value = false
  }
  const title = `Clone ${name}`
  return html`<${Dialog} variant="modal wide" label=${title} onClose=${close}>
    <form onSubmit=${send}>
      <h2>${title}</h2>
      <p>The new deployment gets the same overrides, title and labels, and is created from scratch: data is not copied.</p>
      <${NameField} label="Name of the new deployment" newName=${newName} wasBlocked=${wasBlocked.value} />
      ${copied.length > 0 ? html`<${ConfigDiff} changes=${copied} />` : html`<p class="hint">It has no overrides: all values are defaults.</p>`}
      ${error.value !== null && html`<${ErrorBox} error=${error.value} />`}
      <div class="buttons">
        <button type="button" onClick=${close}>Cancel</button>
        <button type="submit" class="primary" aria-disabled=${refused !== null || isSending.value}>${isSending.value ? 'Checking config…' : 'Create'}</button>
      </div>
    </form>
  <//>`
}
