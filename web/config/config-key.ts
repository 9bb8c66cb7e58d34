/** A dotted key with its last part in front: that is what people look for. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'

/** `said`: how much of it stands above already. */
export function ConfigKey({ text, said = 0 }: { text: string; said?: number }): VNode {
  const at = text.lastIndexOf('.') + 1
  return html`<span class="key"><span class="key-path">${text.slice(said, at)}</span>${text.slice(at)}</span>`
}
