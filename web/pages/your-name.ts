/** Asking who sits here, where the installation does not tell: others see it beside what was done. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { Dialog } from '../parts/dialog.ts'
import { useWorld } from '../world.ts'

export function YourName(): VNode {
  const { session, panel } = useWorld()
  const name = useSignal(session.actor.peek())
  const close = () => {
    panel.value = null
  }
  return html`<${Dialog} kind="box" label="Your name" onClose=${close}>
    <form
      onSubmit=${(event: Event) => {
        event.preventDefault()
        session.name(name.value)
        close()
      }}
    >
      <h2>Your name</h2>
      <p>It is shown beside what you do, so that others know whom to ask. It is kept in this browser, and you need not give one.</p>
      <label class="field">
        <span>Name</span>
        <input
          name="actor"
          autocomplete="name"
          maxlength="100"
          autofocus
          value=${name.value}
          onInput=${(event: { currentTarget: HTMLInputElement }) => {
            name.value = event.currentTarget.value
          }}
        />
      </label>
      <div class="buttons">
        <button type="button" onClick=${close}>Cancel</button>
        <button type="submit" class="primary">Save</button>
      </div>
    </form>
  <//>`
}
