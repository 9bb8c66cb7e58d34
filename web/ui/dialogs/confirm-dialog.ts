/** Draws the open confirmation. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useApp } from '../../app-context.ts'
import { WhenBusyChoice } from '../../deployment/dialogs/when-busy-choice.ts'
import { ReasonField, TextField } from '../text-field.ts'
import type { Confirmation } from './confirm.ts'
import { Dialog } from './dialog.ts'

export function ConfirmDialog(): VNode | null {
  const { confirmations } = useApp()
  const confirmation = confirmations.current.value
  return confirmation && html`<${OpenConfirmation} key=${confirmation.title} confirmation=${confirmation} />`
}

const nameAttributes = { name: 'confirmed-name', autocomplete: 'off', spellcheck: false, autofocus: true }

function OpenConfirmation({ confirmation }: { confirmation: Confirmation }): VNode {
  const { respond } = useApp().confirmations
  const { title, text, danger, reason, typedName, whenBusy, cancelLabel, confirmLabel } = confirmation
  const typed = useSignal('')
  const isTyped = typedName === undefined || typed.value.trim() === typedName
  const submit = (event: Event) => {
    event.preventDefault()
    if (isTyped) respond(true)
  }
  return html`<${Dialog} variant="modal" label=${title} onClose=${() => respond(false)}>
    <form onSubmit=${submit}>
      <h2>${title}</h2>
      <p>${text}</p>
      ${reason && html`<${ReasonField} reason=${reason} />`}
      ${whenBusy && html`<${WhenBusyChoice} ...${whenBusy} />`}
      ${typedName !== undefined && html`<${TextField} label=${html`Enter <strong>${typedName}</strong> to confirm`} text=${typed} attributes=${nameAttributes} />`}
      <div class="buttons">
        <button type="button" onClick=${() => respond(false)}>${cancelLabel}</button>
        <button type="submit" class=${danger ? 'primary danger' : 'primary'} aria-disabled=${!isTyped}>${confirmLabel}</button>
      </div>
    </form>
  <//>`
}
