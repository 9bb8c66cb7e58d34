/** Shown in place of an empty list: the reason and the next step. */
import type { Signal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { pluralize } from '../format.ts'
import { FirstSteps } from '../parts.ts'
import { activeFilters, type ListView, withoutFilters } from './list-filter.ts'
import type { ListState } from './list-model.ts'

export function EmptyState({ view, state }: { view: Signal<ListView>; state: ListState }): VNode {
  const { filtered, total, hiddenMatches } = state
  const showArchived = () => {
    view.value = { ...view.value, archived: true }
  }
  const clear = () => {
    view.value = withoutFilters(view.value)
  }
  if (total === 0) return html`<${FirstSteps} />`
  if (!filtered) {
    return emptyState(
      'All deployments are archived.',
      `You can restore ${pluralize(hiddenMatches, 'deployment')}.`,
      'Show archived',
      showArchived,
    )
  }
  if (hiddenMatches > 0) {
    const matching =
      hiddenMatches === 1 ? '1 archived does.' : `${hiddenMatches.toLocaleString()} archived do.`
    return emptyState(`No running deployments match. ${matching}`, '', 'Show archived', showArchived)
  }
  if (view.value.query === '')
    return emptyState(
      `No deployment passes ${activeFilters(view.value) === 1 ? 'this filter' : 'these filters'}.`,
      '',
      'Clear the filters',
      clear,
    )
  return emptyState(
    'No deployment matches.',
    `The search covers names, titles, labels, people, statuses, config keys and values. Every word must match.${activeFilters(view.value) > 0 ? ' Filters are set too.' : ''}`,
    activeFilters(view.value) > 0 ? 'Clear the search and the filters' : 'Clear the search',
    clear,
  )
}

function emptyState(title: string, text: string, buttonLabel: string, onClick: () => void): VNode {
  return html`<div class="empty-state">
    <p>${title}</p>
    ${text !== '' && html`<p class="hint">${text}</p>`}
    <button type="button" onClick=${onClick}>${buttonLabel}</button>
  </div>`
}
