/** The number of shown deployments, and the age of the data or the changes that would move rows. */
import type { ReadonlySignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useApp } from '../app-context.ts'
import { pluralize } from '../format.ts'
import { LastUpdated } from '../live/last-updated.ts'
import type { ListState } from './list-model.ts'

type Props = { state: ReadonlySignal<ListState>; onShowHeld: () => void }

export function ListSummary({ state, onShowHeld }: Props): VNode {
  const { sync } = useApp()
  const { held } = state.value
  return html`<div class="list-summary">
    <p role="status">${summaryText(state.value)}${!sync.isComplete.value && ', loading more…'}</p>
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
