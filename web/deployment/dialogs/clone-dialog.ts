/** Creates a deployment with the config of another one, secrets included. Opened from the menu of a deployment. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useMemo } from 'preact/hooks'
import { createIdempotencyKey } from '../../../client/call-endpoint.ts'
import { diffBothLevels } from '../../../client/config-diff.ts'
import { type ApiError, toApiError } from '../../../client/errors.ts'
import { deploymentNameError } from '../../../domain/deployment-name.ts'
import { noOverrides, overridesFromWire } from '../../../domain/overrides.ts'
import { useApp } from '../../app-context.ts'
import { ConfigDiff } from '../../config/config-diff-list.ts'
import { deploymentPath } from '../../routes.ts'
import { Dialog } from '../../ui/dialogs/dialog.ts'
import { ErrorBox } from '../../ui/error-box.ts'
import { TextField } from '../../ui/text-field.ts'
import { followAction } from '../follow-action.ts'
import { refreshIfOffline } from '../run-action.ts'

const attributes = {
  name: 'name',
  autocomplete: 'off',
  autocapitalize: 'none',
  spellcheck: false,
  autofocus: true,
}

export function CloneDialog({ name }: { name: string }): VNode {
  const app = useApp()
  const { client, store, overlay, toasts, ownChanges, identity, router } = app
  const newName = useSignal('')
  const error = useSignal<ApiError | null>(null)
  const isSending = useSignal(false)
  const key = useMemo(createIdempotencyKey, [])
  const info = store.rows.get(name)?.value
  const copied = info === undefined ? [] : diffBothLevels(noOverrides, overridesFromWire(info.deployment))
  const wanted = newName.value.trim()
  const isTaken = store.rows.has(wanted)
  const refused =
    deploymentNameError(wanted, app.config.name_max_length) ??
    (isTaken ? `A deployment named ${wanted} already exists.` : identity.refusal('create', { name: wanted }))
  const close = () => {
    overlay.value = null
  }
  const send = async (event: Event) => {
    event.preventDefault()
    if (refused !== null || isSending.value) return
    isSending.value = true
    error.value = null
    ownChanges.add(wanted)
    try {
      const response = await client.fetch('cloneDeployment', {
        params: { name },
        body: { name: wanted },
        key: `${key}-${wanted}`,
      })
      toasts.showSuccess(`Creating ${wanted} with the config of ${name}.`)
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
      <p>The new deployment gets the same overrides and is created from scratch: data is not copied.</p>
      <${TextField} label="Name of the new deployment" text=${newName} attributes=${attributes} />
      <small role="status" class=${wanted.length > 1 && refused !== null ? 'invalid' : 'visually-hidden'}>${wanted.length > 1 && refused}</small>
      ${copied.length > 0 ? html`<${ConfigDiff} changes=${copied} />` : html`<p class="hint">It has no overrides: all values are defaults.</p>`}
      ${error.value !== null && html`<${ErrorBox} error=${error.value} />`}
      <div class="buttons">
        <button type="button" onClick=${close}>Cancel</button>
        <button type="submit" class="primary" aria-disabled=${refused !== null || isSending.value}>${isSending.value ? 'Checking config…' : 'Create'}</button>
      </div>
    </form>
  <//>`
}
