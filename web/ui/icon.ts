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

export const Icon = ({ name }: { name: IconName }): VNode => drawing('icon', 16, `i-${name}`)

/** One of the drawings of index.html. */
export const drawing = (className: string, sizePx: number, id: string): VNode =>
  html`<svg class=${className} width=${sizePx} height=${sizePx} aria-hidden="true"><use href=${`#${id}`} /></svg>`
