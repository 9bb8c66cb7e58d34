/** Why something is done, for those who read the history later. Nobody has to say. */
import type { Signal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'

export function ReasonField({ reason }: { reason: Signal<string> }): VNode {
  return html`<label class="field">
    <span>Reason <small>(optional, kept in the history)</small></span>
    <input
      name="reason"
      autocomplete="off"
      maxlength="1000"
      value=${reason.value}
      onInput=${(event: { currentTarget: HTMLInputElement }) => {
        reason.value = event.currentTarget.value
      }}
    />
  </label>`
}
