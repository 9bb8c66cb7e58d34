/** Gives a deployment to another owner, to oneself, or to nobody. Opened from the menus of a deployment. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { createIdempotencyKey } from '../../../client/call-endpoint.ts'
import { type ApiError, toApiError } from '../../../client/errors.ts'
import { isOwn } from '../../account/identity.ts'
import { useApp } from '../../app-context.ts'
import { Dialog } from '../../ui/dialogs/dialog.ts'
import { ErrorBox } from '../../ui/error-box.ts'
import { TextField } from '../../ui/text-field.ts'
import { OwnerName } from '../owner-name.ts'
import { refreshIfOffline } from '../run-action.ts'

const attributes = { name: 'owner', autocomplete: 'off', maxlength: 500, spellcheck: false, autofocus: true }

export function ChangeOwnerDialog({ name }: { name: string }): VNode {
  const app = useApp()
  const { client, overlay, store, identity, toasts } = app
  const text = useSignal('')
  const error = useSignal<ApiError | null>(null)
  const busy = useSignal(false)
  const owner = store.rows.get(name)?.value.owner ?? null
  const who = identity.who.value
  const isYours = isOwn(who, owner)
  const close = () => {
    overlay.value = null
  }
  const change = async (to: string | null, done: string) => {
    if (busy.value) return
    busy.value = true
    error.value = null
    try {
      const key = createIdempotencyKey()
      await client.call('setOwner', { params: { name }, body: { owner: to }, key })
      toasts.showSuccess(done)
      refreshIfOffline(app)
      close()
    } catch (caught) {
      error.value = toApiError(caught)
    }
    busy.value = false
  }
  const submit = (event: Event) => {
    event.preventDefault()
    const to = text.value.trim()
    if (to !== '') void change(to, `${name} has a new owner.`)
  }
  const title = `Owner of ${name}`
  return html`<${Dialog} variant="modal wide" label=${title} onClose=${close}>
    <form onSubmit=${submit}>
      <h2>${title}</h2>
      <p>
        ${owner === null ? 'Nobody owns it now.' : html`Now: <strong><${OwnerName} owner=${owner} /></strong>.`}${' '}
        The owner may clean it up and give it away. Operators and admins always may.
      </p>
      <${TextField}
        label=${html`New owner <small>(e-mail address, name or subject of somebody who has signed in)</small>`}
        text=${text}
        attributes=${attributes}
      />
      ${error.value !== null && html`<${ErrorBox} error=${error.value} />`}
      <div class="buttons">
        ${owner !== null && html`<button type="button" class="danger first" disabled=${busy.value} onClick=${() => void change(null, `Nobody owns ${name} any more.`)}>${isYours ? 'Give up ownership' : 'Remove the owner'}</button>`}
        ${!isYours && who?.subject && html`<button type="button" class="first" disabled=${busy.value} onClick=${() => void change(who.subject, `You own ${name} now.`)}>Make me the owner</button>`}
        <button type="button" onClick=${close}>Cancel</button>
        <button type="submit" class="primary" disabled=${busy.value || text.value.trim() === ''}>Change owner</button>
      </div>
    </form>
  <//>`
}
