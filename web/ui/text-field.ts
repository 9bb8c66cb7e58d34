/** Labelled text inputs that are bound to a signal, used by the form and the dialogs. */
import type { Signal } from '@preact/signals'
import { html } from 'htm/preact'
import type { ComponentChildren, VNode } from 'preact'

/** `attributes` are set on the input. */
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

const reasonAttributes = { name: 'reason', autocomplete: 'off', maxlength: 1000 }

/** The optional reason of an action. */
export function ReasonField({ reason }: { reason: Signal<string> }): VNode {
  const label = html`Reason <small>(optional, shown in the action list)</small>`
  return html`<${TextField} label=${label} text=${reason} attributes=${reasonAttributes} />`
}
