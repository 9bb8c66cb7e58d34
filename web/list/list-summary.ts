/** How many deployments are shown of how many, and how fresh that is. */
import type { ReadonlySignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useApp } from '../app-context.ts'
import { pluralize } from '../format.ts'
import { LastUpdated } from '../live/last-updated.ts'
import type { ListState } from './list-model.ts'

export function ListSummary({ listed }: { listed: ReadonlySignal<ListState> }): VNode {
  const { sync } = useApp()
  return html`<div class="list-count">
    <p role="status">${summaryText(listed.value)}${!sync.isComplete.value && ', more are coming…'}</p>
    <${LastUpdated} />
  </div>`
}

function summaryText({ items, terms, total, hiddenMatches }: ListState): string {
  const shown = items.length
  if (terms.length === 0) {
    return (
      pluralize(shown, 'deployment') +
      (hiddenMatches > 0 ? `, ${hiddenMatches.toLocaleString()} archived` : '')
    )
  }
  const order = shown > 1 ? ', best match first' : ''
  const more = hiddenMatches > 0 ? `, and ${hiddenMatches.toLocaleString()} archived` : ''
  return `${shown.toLocaleString()} of ${pluralize(total, 'deployment')}${order}${more}`
}
