/** A dotted key with its last part in front: that is what people look for. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'

/** `said`: how much of it stands above already; only screen readers are told it again. */
export function Key({ text, said = 0 }: { text: string; said?: number }): VNode {
  const at = text.lastIndexOf('.') + 1
  return html`<span class="key">
    ${said > 0 && html`<span class="hidden">${text.slice(0, said)}</span>`}<span class="key-path">${text.slice(said, at)}</span>${text.slice(at)}
  </span>`
}
