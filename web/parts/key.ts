/** A dotted key with its last part in front: that is what people look for. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'

export function Key({ text }: { text: string }): VNode {
  const at = text.lastIndexOf('.') + 1
  return html`<span class="key"><span class="key-path">${text.slice(0, at)}</span>${text.slice(at)}</span>`
}
