/** A labelled text input bound to a signal. `attributes` are set on the input. */
import type { Signal } from '@preact/signals'
import { html } from 'htm/preact'
import type { ComponentChildren, VNode } from 'preact'

type Props = { label: ComponentChildren; text: Signal<string>; attributes: Record<string, unknown> }

export function TextField({ label, text, attributes }: Props): VNode {
  return html`<label class="field">
    <span>${label}</span>
    <input
      ...${attributes}
      value=${text.value}
      onInput=${(event: { currentTarget: HTMLInputElement }) => {
        text.value = event.currentTarget.value
      }}
    />
  </label>`
}
