/** Eight pods in a ring, one of them yours: drawn in index.html. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'

export function Logo(): VNode {
  return html`<svg class="logo" width="24" height="24" aria-hidden="true"><use href="#logo" /></svg>`
}
