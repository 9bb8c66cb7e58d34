/** Draws the open confirmation. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useApp } from '../../app-context.ts'
import { ReasonField } from '../text-field.ts'
import { Dialog } from './dialog.ts'

export function ConfirmDialog(): VNode | null {
  const { confirmations } = useApp()
  const confirmation = confirmations.current.value
  if (confirmation === null) return null
  return html`<${Dialog} key=${confirmation.title} variant="modal" label=${confirmation.title} onClose=${() => confirmations.respond(false)}>
    <h2>${confirmation.title}</h2>
    <p>${confirmation.text}</p>
    ${confirmation.reason && html`<${ReasonField} reason=${confirmation.reason} />`}
    <div class="buttons">
      <button type="button" onClick=${() => confirmations.respond(false)}>${confirmation.cancelLabel}</button>
      <button
        type="button"
        class=${confirmation.danger ? 'primary danger' : 'primary'}
        onClick=${() => confirmations.respond(true)}
      >
        ${confirmation.confirmLabel}
      </button>
    </div>
  <//>`
}
