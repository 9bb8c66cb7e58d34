/** The few pictures of the page, drawn in index.html, in the colour of the text beside them. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'

export type IconName =
  | 'search'
  | 'plus'
  | 'close'
  | 'undo'
  | 'more'
  | 'out'
  | 'down'
  | 'up'
  | 'back'
  | 'person'
  | 'key'
  | 'trash'

export function Icon({ name }: { name: IconName }): VNode {
  return html`<svg class="icon" width="16" height="16" aria-hidden="true"><use href=${`#i-${name}`} /></svg>`
}
