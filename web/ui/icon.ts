/** The icons of the page and the logo. The symbols are in index.html and take the color of the surrounding text. */
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
  | 'copy'
  | 'check'
  | 'remove'
  | 'expand'

export const Icon = ({ name }: { name: IconName }): VNode => drawing('icon', 16, `i-${name}`)

/** Draws one symbol of index.html. */
export const drawing = (className: string, sizePx: number, id: string): VNode =>
  html`<svg class=${className} width=${sizePx} height=${sizePx} aria-hidden="true"><use href=${`#${id}`} /></svg>`

/** The logo: a ring of eight pods, one of them the user's. */
export const Logo = (): VNode => drawing('logo', 24, 'logo')
