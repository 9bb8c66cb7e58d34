/** How many deployments are shown of how many, and how fresh that is. */
import type { ReadonlySignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { Updated } from '../parts/updated.ts'
import { count } from '../words.ts'
import { useWorld } from '../world.ts'
import type { Listed } from './listing.ts'

export function ListCount({ listed }: { listed: ReadonlySignal<Listed> }): VNode {
  const { sync } = useWorld()
  return html`<div class="list-count">
    <p role="status">${countWords(listed.value)}${!sync.complete.value && ', more are coming…'}</p>
    <${Updated} />
  </div>`
}

function countWords({ items, words, total, hidden }: Listed): string {
  const shown = items.length
  if (words.length === 0) {
    return count(shown, 'deployment') + (hidden > 0 ? `, ${hidden.toLocaleString()} archived` : '')
  }
  const order = shown > 1 ? ', best match first' : ''
  const more = hidden > 0 ? `, and ${hidden.toLocaleString()} archived` : ''
  return `${shown.toLocaleString()} of ${count(total, 'deployment')}${order}${more}`
}
