/** A small dialog with a form: title, content, Cancel and submit button. Used by the dialogs of account/. */
import { html } from 'htm/preact'
import type { ComponentChildren, VNode } from 'preact'
import { useApp } from '../../app-context.ts'
import { Dialog } from './dialog.ts'

/** `disabled`: the submit button is inactive. */
type Props = {
  title: string
  submitLabel: string
  disabled?: boolean
  onSubmit(): unknown
  children?: ComponentChildren
}

export function SmallDialog({ title, submitLabel, disabled = false, onSubmit, children }: Props): VNode {
  const { overlay } = useApp()
  const close = () => {
    overlay.value = null
  }
  const submit = (event: Event) => {
    event.preventDefault()
    if (!disabled) onSubmit()
  }
  return html`<${Dialog} variant="modal" label=${title} onClose=${close}>
    <form onSubmit=${submit}>
      <h2>${title}</h2>
      ${children}
      <div class="buttons">
        <button type="button" onClick=${close}>Cancel</button>
        <button type="submit" class="primary" disabled=${disabled}>${submitLabel}</button>
      </div>
    </form>
  <//>`
}
