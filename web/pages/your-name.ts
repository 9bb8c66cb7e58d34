/** Asking who sits here, where the installation does not tell: others see it beside what was done. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { FormBox } from '../parts/form-box.ts'
import { TextField } from '../parts/text-field.ts'
import { useWorld } from '../world.ts'

const attributes = { name: 'actor', autocomplete: 'name', maxlength: 100, autofocus: true }

export function YourName(): VNode {
  const { session, panel } = useWorld()
  const name = useSignal(session.actor.peek())
  const save = () => {
    session.name(name.value)
    panel.value = null
  }
  return html`<${FormBox} title="Your name" button="Save" send=${save}>
    <p>It stands beside what you do, so that others know whom to ask. You need not give one.</p>
    <${TextField} label="Name" text=${name} attributes=${attributes} />
  <//>`
}
