/** The number of shown deployments, and the age of the data or the changes that would move rows. */
import type { ReadonlySignal, Signal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useApp } from '../app-context.ts'
import { pluralize } from '../format.ts'
import { LastUpdated } from '../live/last-updated.ts'
import { activeFilters, type ListView, withoutFilters } from './list-filter.ts'
import type { ListState } from './list-model.ts'
import { SelectAll, useMaySelect } from './selection/select-all.ts'

type Props = { view: Signal<ListView>; state: ReadonlySignal<ListState>; onShowHeld: () => void }

export function ListSummary({ view, state, onShowHeld }: Props): VNode {
  const { sync } = useApp()
  const { held } = state.value
  const maySelect = useMaySelect()
  const clear = () => {
    view.value = { ...withoutFilters(view.value), query: view.value.query }
  }
  return html`<div class="list-summary">
    <div class="list-count">
      ${maySelect && state.value.items.length > 0 && html`<${SelectAll} state=${state} text="All" />`}
      <p role="status">${summaryText(state.value)}${!sync.isComplete.value && ', loading more…'}</p>
      ${activeFilters(view.value) > 0 && html`<button type="button" class="ghost-button small" onClick=${clear}>Clear filters</button>`}
    </div>
    ${
      held > 0
        ? html`<button type="button" class="small held-changes" onClick=${onShowHeld}>Show ${pluralize(held, 'change')}</button>`
        : html`<${LastUpdated} />`
    }
  </div>`
}

function summaryText({ items, terms, total, hiddenMatches, filtered }: ListState): string {
  const shown = items.length
  if (!filtered) {
    return (
      pluralize(shown, 'deployment') +
      (hiddenMatches > 0 ? `, ${hiddenMatches.toLocaleString()} archived` : '')
    )
  }
  const order = shown > 1 && terms.length > 0 ? ', best match first' : ''
  const more = hiddenMatches > 0 ? `, and ${hiddenMatches.toLocaleString()} archived` : ''
  return `${shown.toLocaleString()} of ${pluralize(total, 'deployment')}${order}${more}`
}
