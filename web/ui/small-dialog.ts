/** A small dialog that asks for one thing: what it is, a field, Cancel and a button that sends it. Used by the sign-in and the name. */
import { html } from 'htm/preact'
import type { ComponentChildren, VNode } from 'preact'
import { useApp } from '../app-context.ts'
import { Dialog } from './dialog.ts'

/** `off`: the button cannot be used, yet or just now. */
type Props = { title: string; button: string; off?: boolean; send(): unknown; children?: ComponentChildren }

export function SmallDialog({ title, button, off = false, send, children }: Props): VNode {
  const { overlay } = useApp()
  const close = () => {
    overlay.value = null
  }
  const submit = (event: Event) => {
    event.preventDefault()
    if (!off) send()
  }
  return html`<${Dialog} kind="box" label=${title} onClose=${close}>
    <form onSubmit=${submit}>
      <h2>${title}</h2>
      ${children}
      <div class="buttons">
        <button type="button" onClick=${close}>Cancel</button>
        <button type="submit" class="primary" disabled=${off}>${button}</button>
      </div>
    </form>
  <//>`
}
