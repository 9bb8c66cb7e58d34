/** Asking who sits here, where the installation does not tell: others see it beside what was done. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useApp } from '../app-context.ts'
import { SmallDialog } from '../ui/small-dialog.ts'
import { TextField } from '../ui/text-field.ts'

const attributes = { name: 'actor', autocomplete: 'name', maxlength: 100, autofocus: true }

export function DisplayNameDialog(): VNode {
  const { session, overlay } = useApp()
  const name = useSignal(session.displayName.peek())
  const save = () => {
    session.setDisplayName(name.value)
    overlay.value = null
  }
  return html`<${SmallDialog} title="Your name" button="Save" send=${save}>
    <p>It stands beside what you do, so that others know whom to ask. You need not give one.</p>
    <${TextField} label="Name" text=${name} attributes=${attributes} />
  <//>`
}
