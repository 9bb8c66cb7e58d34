/** Asks for the user's display name where nobody has proved who it is. Opened from the account menu. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useApp } from '../app-context.ts'
import { SmallDialog } from '../ui/dialogs/small-dialog.ts'
import { TextField } from '../ui/text-field.ts'

const attributes = { name: 'actor', autocomplete: 'name', maxlength: 100, autofocus: true }

export function DisplayNameDialog(): VNode {
  const { session, overlay } = useApp()
  const name = useSignal(session.displayName.peek())
  const save = () => {
    session.setDisplayName(name.value)
    overlay.value = null
  }
  return html`<${SmallDialog} title="Your name" submitLabel="Save" onSubmit=${save}>
    <p>Shown next to your actions so others know who to ask, as a name that is not proved. Optional.</p>
    <${TextField} label="Name" text=${name} attributes=${attributes} />
  <//>`
}
