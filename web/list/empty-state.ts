/** Shown in place of an empty list: the reason and the next step. */
import type { Signal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useApp } from '../app-context.ts'
import { pluralize } from '../format.ts'
import type { ListView } from './list-filter.ts'
import type { ListState } from './list-model.ts'

export function EmptyState({ view, state }: { view: Signal<ListView>; state: ListState }): VNode {
  const { overlay } = useApp()
  const { terms, total, hiddenMatches } = state
  const showArchived = () => {
    view.value = { ...view.value, archived: true }
  }
  const clear = () => {
    view.value = { ...view.value, query: '' }
  }
  const create = () => {
    overlay.value = { type: 'new-deployment' }
  }
  if (total === 0) {
    return emptyState(
      'No deployments yet.',
      'A deployment is a staging environment of your project.',
      'Create the first one',
      create,
    )
  }
  if (terms.length === 0) {
    return emptyState(
      'All deployments are archived.',
      `You can restore ${pluralize(hiddenMatches, 'deployment')}.`,
      'Show archived',
      showArchived,
    )
  }
  if (hiddenMatches > 0) {
    return emptyState(
      'No active deployment matches.',
      `${pluralize(hiddenMatches, 'archived deployment')} would match.`,
      'Show archived',
      showArchived,
    )
  }
  return emptyState(
    'No deployment matches.',
    'The search covers names, config keys and values. Every word must match.',
    'Clear the search',
    clear,
  )
}

function emptyState(title: string, text: string, buttonLabel: string, onClick: () => void): VNode {
  return html`<div class="empty-state">
    <p>${title}</p>
    <p class="hint">${text}</p>
    <button type="button" onClick=${onClick}>${buttonLabel}</button>
  </div>`
}
