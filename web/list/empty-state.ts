/** What stands where no deployment is shown: why there is none, and the way on. */
import type { Signal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useApp } from '../app-context.ts'
import { pluralize } from '../format.ts'
import type { ListView } from './list-filter.ts'
import type { ListState } from './list-model.ts'

export function EmptyState({ view, listed }: { view: Signal<ListView>; listed: ListState }): VNode {
  const { overlay } = useApp()
  const { terms, total, hiddenMatches } = listed
  const showArchived = () => {
    view.value = { ...view.value, archived: true }
  }
  const clear = () => {
    view.value = { ...view.value, query: '' }
  }
  const create = () => {
    overlay.value = { panel: 'new' }
  }
  if (total === 0) {
    return box(
      'No deployments yet.',
      'A deployment is a staging environment of your project.',
      'Create the first one',
      create,
    )
  }
  if (terms.length === 0) {
    return box(
      'Everything is archived.',
      `${pluralize(hiddenMatches, 'deployment')} can be restored.`,
      'Show archived',
      showArchived,
    )
  }
  if (hiddenMatches > 0) {
    return box(
      'Nothing that is up matches.',
      `${pluralize(hiddenMatches, 'archived deployment')} would be found.`,
      'Show archived',
      showArchived,
    )
  }
  return box(
    'Nothing matches.',
    'The search looks at names, config keys and values; every word must be found.',
    'Clear the search',
    clear,
  )
}

function box(title: string, text: string, button: string, press: () => void): VNode {
  return html`<div class="nothing">
    <p>${title}</p>
    <p class="remedy">${text}</p>
    <button type="button" onClick=${press}>${button}</button>
  </div>`
}
