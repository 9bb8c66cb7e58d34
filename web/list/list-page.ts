/**
 * The page with all deployments. list-model.ts decides which rows are shown in which order;
 * list-table-body.ts draws them.
 */
import { type ReadonlySignal, type Signal, useSignal, useSignalEffect } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import { useApp } from '../app-context.ts'
import { ErrorState, StaleDataWarning } from '../ui/error-state.ts'
import { Icon } from '../ui/icon.ts'
import { EmptyState } from './empty-state.ts'
import { formatView, type ListView, parseView, type SortKey, toggleSort } from './list-filter.ts'
import { createListModel, type ListState } from './list-model.ts'
import { ListSummary } from './list-summary.ts'
import { ListTableBody } from './list-table-body.ts'
import { ListToolbar } from './list-toolbar.ts'

/** The URL is updated this long after the last keystroke: browsers reject too frequent history changes. */
const urlUpdateDelayMs = 250

export function ListPage({ search }: { search: string }): VNode {
  const { store, sync, router } = useApp()
  const view = useSignal(parseView(search))
  const model = useMemo(() => createListModel(store, view.peek()), [])

  useSignalEffect(() => model.setView(view.value))
  useSignalEffect(() => {
    const query = formatView(view.value)
    const timer = setTimeout(() => router.replaceSearch(query), urlUpdateDelayMs)
    return () => clearTimeout(timer)
  })
  useSignalEffect(() => {
    const route = router.route.value
    if (route.page === 'list') view.value = parseView(route.search)
  })
  useEffect(() => {
    document.title = 'Deployments · Octopod'
    return model.close
  }, [])

  return html`<main class="list">
    <h1 class="visually-hidden">Deployments</h1>
    ${
      sync.hasData.value
        ? html`<${StaleDataWarning} error=${sync.error.value} />
            <${ListToolbar} view=${view} state=${model.state} />
            <${ListSummary} state=${model.state} />
            <${Deployments} view=${view} state=${model.state} />`
        : html`<${Loading} />`
    }
  </main>`
}

type Props = { view: Signal<ListView>; state: ReadonlySignal<ListState> }

function Deployments({ view, state }: Props): VNode {
  if (state.value.items.length === 0) return html`<${EmptyState} view=${view} state=${state.value} />`
  return html`<table class="deployments" aria-rowcount=${state.value.items.length + 1}>
    <thead>
      <tr aria-rowindex="1">
        <${ColumnHeader} label="Name" sort="name" view=${view} />
        <th scope="col" class="cell-status">Status</th>
        <th scope="col" class="cell-links">Links</th>
        <th scope="col" class="cell-config">Overrides</th>
        <${ColumnHeader} label="Created" sort="created" view=${view} />
        <${ColumnHeader} label="Changed" sort="changed" view=${view} />
        <th scope="col" class="cell-menu"><span class="visually-hidden">Actions</span></th>
      </tr>
    </thead>
    <${ListTableBody} state=${state} columns=${7} />
  </table>`
}

function ColumnHeader({
  label,
  sort,
  view,
}: {
  label: string
  sort: SortKey
  view: Signal<ListView>
}): VNode {
  const active = view.value.sort === sort
  const order = view.value.descending ? 'descending' : 'ascending'
  return html`<th scope="col" class=${`cell-${sort}`} aria-sort=${active ? order : undefined}>
    <button
      type="button"
      class="sort-button"
      onClick=${() => {
        view.value = toggleSort(view.value, sort)
      }}
    >
      ${label}${active && html`<${Icon} name=${view.value.descending ? 'down' : 'up'} />`}
    </button>
  </th>`
}

function Loading(): VNode {
  const { sync } = useApp()
  const error = sync.error.value
  if (error === null) {
    return html`<div class="loading" role="status"><span class="visually-hidden">Loading deployments</span>
      ${[0, 1, 2, 3, 4].map((index) => html`<div key=${index} class="skeleton"></div>`)}
    </div>`
  }
  const retry = () => void sync.refresh()
  return html`<${ErrorState} title="Could not load the deployments" error=${error} onRetry=${retry} />`
}
