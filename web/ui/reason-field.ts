/** The optional reason of an action, shown in the action list. */
import type { Signal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { TextField } from './text-field.ts'

const attributes = { name: 'reason', autocomplete: 'off', maxlength: 1000 }

export function ReasonField({ reason }: { reason: Signal<string> }): VNode {
  const label = html`Reason <small>(optional, shown in the action list)</small>`
  return html`<${TextField} label=${label} text=${reason} attributes=${attributes} />`
}
