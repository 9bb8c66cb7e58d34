/**
 * The toolbar of the list: search, status, sort order (where no columns are shown), archived switch, new deployment.
 */
import type { ReadonlySignal, Signal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useApp } from '../app-context.ts'
import { openNewDeployment } from '../keyboard-shortcuts.ts'
import { Icon } from '../ui/icon.ts'
import type { ListView } from './list-filter.ts'
import type { ListState } from './list-model.ts'

type Props = { view: Signal<ListView>; state: ReadonlySignal<ListState> }

export function ListToolbar({ view, state }: Props): VNode {
  const app = useApp()
  const refused = app.identity.refusal('create')
  const { query, archived, status, sort, descending } = view.value

  return html`<div class="list-toolbar">
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
    <label class="status-choice">
      <span class="visually-hidden">Status</span>
      <select
        value=${status}
        onChange=${(event: { currentTarget: HTMLSelectElement }) => {
          view.value = { ...view.value, status: event.currentTarget.value as ListView['status'] }
        }}
      >
        <option value="any">Any status</option>
        <option value="attention">Needs attention<${AttentionCount} state=${state} /></option>
        <option value="progress">In progress</option>
        <option value="running">Running</option>
      </select>
    </label>
    <label class="sort-choice">
      <span class="visually-hidden">Sort by</span>
      <select
        value=${`${descending ? '-' : ''}${sort}`}
        onChange=${(event: { currentTarget: HTMLSelectElement }) => {
          const { value } = event.currentTarget
          const sort = value.replace('-', '') as ListView['sort']
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
      <span>Archived<${ArchivedCount} state=${state} /></span>
    </label>
    <button
      type="button"
      class="primary"
      aria-disabled=${refused !== null}
      aria-describedby=${refused === null ? undefined : 'create-refused'}
      title=${refused ?? ''}
      onClick=${() => openNewDeployment(app)}
    >
      <${Icon} name="plus" />New deployment
    </button>
    ${refused !== null && html`<p id="create-refused" class="disabled-reason create-refused">You may not create deployments. ${refused}</p>`}
  </div>`
}

function AttentionCount({ state }: { state: ReadonlySignal<ListState> }): VNode {
  const { attention } = state.value
  return html`${attention > 0 && ` (${attention.toLocaleString()})`}`
}

function ArchivedCount({ state }: { state: ReadonlySignal<ListState> }): VNode {
  const { archived } = state.value
  return html`${archived > 0 && ` (${archived.toLocaleString()})`}`
}
