/** What stands above the list: search, the archived switch, sorting where there are no columns, a new deployment. */
import type { ReadonlySignal, Signal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { Icon } from '../parts/icon.ts'
import { useWorld } from '../world.ts'
import type { View } from './list-view.ts'
import type { Listed } from './listing.ts'

type Props = { view: Signal<View>; listed: ReadonlySignal<Listed> }

export function ListTools({ view, listed }: Props): VNode {
  const { panel } = useWorld()
  const { query, archived, sort, descending } = view.value

  return html`<div class="tools">
    <div class="search">
      <${Icon} name="search" />
      <input
        type="search"
        aria-label="Search names and config"
        placeholder="Search names and config"
        aria-keyshortcuts="/"
        autocomplete="off"
        spellcheck=${false}
        value=${query}
        onInput=${(event: { currentTarget: HTMLInputElement }) => {
          view.value = { ...view.value, query: event.currentTarget.value }
        }}
      />
    </div>
    <label class="sort-choice">
      <span class="hidden">Sort by</span>
      <select
        value=${`${descending ? '-' : ''}${sort}`}
        onChange=${(event: { currentTarget: HTMLSelectElement }) => {
          const { value } = event.currentTarget
          const sort = value.replace('-', '') as View['sort']
          view.value = { ...view.value, sort, descending: value.startsWith('-') }
        }}
      >
        <option value="-changed">Changed last</option>
        <option value="-created">Newest first</option>
        <option value="name">Name A–Z</option>
        <option value="changed">Changed first</option>
        <option value="created">Oldest first</option>
        <option value="-name">Name Z–A</option>
      </select>
    </label>
    <label class="switch">
      <input
        type="checkbox"
        role="switch"
        checked=${archived}
        onChange=${(event: { currentTarget: HTMLInputElement }) => {
          view.value = { ...view.value, archived: event.currentTarget.checked }
        }}
      />
      <span>Archived<${PutAway} listed=${listed} /></span>
    </label>
    <button
      type="button"
      class="primary"
      onClick=${() => {
        panel.value = { panel: 'new' }
      }}
    >
      <${Icon} name="plus" />New deployment
    </button>
  </div>`
}

function PutAway({ listed }: { listed: ReadonlySignal<Listed> }): VNode {
  const { putAway } = listed.value
  return html`${putAway > 0 && ` (${putAway.toLocaleString()})`}`
}
