/** The number of shown deployments and the age of the data. */
import type { ReadonlySignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useApp } from '../app-context.ts'
import { pluralize } from '../format.ts'
import { LastUpdated } from '../live/last-updated.ts'
import type { ListState } from './list-model.ts'

export function ListSummary({ state }: { state: ReadonlySignal<ListState> }): VNode {
  const { sync } = useApp()
  return html`<div class="list-summary">
    <p role="status">${summaryText(state.value)}${!sync.isComplete.value && ', loading more…'}</p>
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
