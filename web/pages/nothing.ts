/** What stands where no deployment is shown: why there is none, and the way on. */
import type { Signal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { count } from '../words.ts'
import { useWorld } from '../world.ts'
import type { View } from './list-view.ts'
import type { Listed } from './listing.ts'

export function Nothing({ view, listed }: { view: Signal<View>; listed: Listed }): VNode {
  const { panel } = useWorld()
  const { words, total, hidden } = listed
  const showArchived = () => {
    view.value = { ...view.value, archived: true }
  }
  const clear = () => {
    view.value = { ...view.value, query: '' }
  }
  const create = () => {
    panel.value = { panel: 'new' }
  }
  if (total === 0) {
    return box(
      'No deployments yet.',
      'A deployment is a staging environment of your project.',
      'Create the first one',
      create,
    )
  }
  if (words.length === 0) {
    return box(
      'Everything is archived.',
      `${count(hidden, 'deployment')} can be restored.`,
      'Show archived',
      showArchived,
    )
  }
  if (hidden > 0) {
    return box(
      'Nothing that is up matches.',
      `${count(hidden, 'archived deployment')} would be found.`,
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
