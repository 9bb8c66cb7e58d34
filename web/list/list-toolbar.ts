/**
 * The toolbar of the list: search, filters with their counts, sort order (where no columns are shown), archived switch, new
 * deployment. On narrow screens a button shows the filters.
 */
import { type ReadonlySignal, type Signal, useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { ComponentChildren, VNode } from 'preact'
import { parseSelector } from '../../domain/labels.ts'
import { useApp } from '../app-context.ts'
import { openNewDeployment } from '../keyboard-shortcuts.ts'
import { Icon } from '../ui/icon.ts'
import { choicesOf } from './facets.ts'
import { activeFilters, ageFilters, type ListView, ownerChoices, type StatusFilter } from './list-filter.ts'
import type { ListState } from './list-model.ts'

type Props = { view: Signal<ListView>; state: ReadonlySignal<ListState> }
type Choice = readonly [value: string, text: string, count?: number]

export function ListToolbar({ view, state }: Props): VNode {
  const app = useApp()
  const filtersOpen = useSignal(false)
  const refused = app.identity.refusal('create')
  const { query, archived } = view.value
  const filterCount = activeFilters(view.value)
  const set = (change: Partial<ListView>) => {
    view.value = { ...view.value, ...change }
  }

  return html`<div class="list-toolbar">
    <div class="search">
      <${Icon} name="search" />
      <input
        type="search"
        aria-label="Search names and config, people and labels"
        placeholder="Search names, config, people"
        aria-keyshortcuts="/"
        autocomplete="off"
        spellcheck=${false}
        value=${query}
        onInput=${(event: { currentTarget: HTMLInputElement }) => set({ query: event.currentTarget.value })}
      />
      <kbd aria-hidden="true" title="Press / to search all deployments, also those that are not drawn">/</kbd>
    </div>
    <button
      type="button"
      class="filters-button"
      aria-expanded=${filtersOpen.value}
      onClick=${() => {
        filtersOpen.value = !filtersOpen.value
      }}
    >
      Filters${filterCount > 0 && ` (${filterCount})`}
    </button>
    <div class=${`filters${filtersOpen.value ? ' open' : ''}`} role="group" aria-label="Filters">
      <${Filters} view=${view} state=${state} set=${set} />
      <label class="switch">
        <input
          type="checkbox"
          role="switch"
          checked=${archived}
          onChange=${(event: { currentTarget: HTMLInputElement }) => set({ archived: event.currentTarget.checked })}
        />
        <span>Archived<${ArchivedCount} state=${state} /></span>
      </label>
    </div>
    <button
      type="button"
      class="primary new-deployment"
      aria-disabled=${refused !== null}
      aria-describedby=${refused === null ? undefined : 'create-refused'}
      title=${refused ?? ''}
      onClick=${() => openNewDeployment(app)}
    >
      <${Icon} name="plus" /><span>New deployment</span>
    </button>
    ${refused !== null && html`<p id="create-refused" class="disabled-reason create-refused">You may not create deployments. ${refused}</p>`}
  </div>`
}

function Filters({ view, state, set }: Props & { set: (change: Partial<ListView>) => void }): VNode {
  const { facets } = state.value
  const { status, owner, label, age, sort, descending } = view.value
  const countOf = (filter: StatusFilter) => facets.statuses.get(filter) ?? 0
  const statuses: Choice[] = [
    ['any', 'Any status'],
    ['attention', 'Needs attention', countOf('attention')],
    ['failed', 'Last action failed', countOf('failed')],
    ['progress', 'In progress', countOf('progress')],
    ['running', 'Running', countOf('running')],
  ]
  const owners: Choice[] = [
    [ownerChoices.any, 'Any owner'],
    [ownerChoices.me, 'Mine', facets.mine],
    [ownerChoices.nobody, 'Nobody', facets.withoutOwner],
    ...choicesOf(facets.owners).map(([name, count]): Choice => [name, name, count]),
  ]
  const labels: Choice[] = [
    ['', 'Any label'],
    ...choicesOf(facets.labels).map(([text, count]): Choice => [text, text, count]),
  ]
  const ages = Object.entries(ageFilters).map(([value, { label }]): Choice => [value, label])
  const sorts: Choice[] = [
    ['-changed', 'Changed last'],
    ['-created', 'Newest first'],
    ['name', 'Name A–Z'],
    ['changed', 'Changed first'],
    ['created', 'Oldest first'],
    ['-name', 'Name Z–A'],
  ]
  const problem = parseSelector(label).error
  const hasOwners = facets.owners.size > 0 || owner !== ownerChoices.any
  const hasLabels = facets.labels.size > 0 || label !== ''
  const setSort = (value: string) =>
    set({ sort: value.replace('-', '') as ListView['sort'], descending: value.startsWith('-') })
  return html`
    <${Select} label="Status" value=${status} choices=${statuses} onChange=${(status: string) => set({ status: status as StatusFilter })} />
    ${hasOwners && html`<${Select} label="Owner" value=${owner} choices=${owners} onChange=${(owner: string) => set({ owner })} />`}
    ${hasLabels && html`<${Select} label="Label" value=${label} choices=${labels} error=${problem} onChange=${(label: string) => set({ label })} />`}
    <${Select} label="Age" hint="The time since the last change" value=${age} choices=${ages} onChange=${(age: string) => set({ age: age as ListView['age'] })} />
    <${Select} label="Sort by" value=${`${descending ? '-' : ''}${sort}`} choices=${sorts} onChange=${setSort} class="sort-choice" neutral=${true} />`
}

type SelectProps = {
  label: string
  value: string
  choices: readonly Choice[]
  error?: string | undefined
  hint?: string
  class?: string
  neutral?: boolean
  onChange: (value: string) => void
}

/** A value of the URL that is not among the choices is shown too. A set filter is marked, unless it is `neutral`. */
function Select({
  label,
  value,
  choices,
  error,
  hint = '',
  class: className = '',
  neutral = false,
  onChange,
}: SelectProps): VNode {
  const all = choices.some(([choice]) => choice === value) ? choices : [...choices, [value, value] as const]
  const isSet = !neutral && value !== choices[0]?.[0]
  return html`<label class=${`choice ${className}`} data-set=${isSet}>
    <span class="visually-hidden">${label}</span>
    <select
      value=${value}
      aria-invalid=${error !== undefined}
      title=${error ?? hint}
      onChange=${(event: { currentTarget: HTMLSelectElement }) => onChange(event.currentTarget.value)}
    >
      ${all.map(([choice, text, count]): ComponentChildren => html`<option key=${choice} value=${choice}>${text}${count !== undefined && count > 0 && ` (${count.toLocaleString()})`}</option>`)}
    </select>
  </label>`
}

function ArchivedCount({ state }: { state: ReadonlySignal<ListState> }): VNode {
  const { archived } = state.value
  return html`${archived > 0 && ` (${archived.toLocaleString()})`}`
}
