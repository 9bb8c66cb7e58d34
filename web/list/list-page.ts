/** The screen of all deployments. Which rows in what order: list-model.ts; what is drawn of them: list-table-body.ts. */
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

/** So long nobody has typed: then the address tells of it. Browsers refuse addresses that change all the time. */
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
    <h1 class="hidden">Deployments</h1>
    ${
      sync.hasData.value
        ? html`<${StaleDataWarning} problem=${sync.problem.value} />
            <${ListToolbar} view=${view} listed=${model.state} />
            <${ListSummary} listed=${model.state} />
            <${Deployments} view=${view} listed=${model.state} />`
        : html`<${Loading} />`
    }
  </main>`
}

type Props = { view: Signal<ListView>; listed: ReadonlySignal<ListState> }

function Deployments({ view, listed }: Props): VNode {
  if (listed.value.items.length === 0) return html`<${EmptyState} view=${view} listed=${listed.value} />`
  return html`<table class="deployments" aria-rowcount=${listed.value.items.length + 1}>
    <thead>
      <tr aria-rowindex="1">
        <${ColumnHeader} text="Name" sort="name" view=${view} />
        <th scope="col" class="cell-status">Status</th>
        <th scope="col" class="cell-links">Links</th>
        <th scope="col" class="cell-config">Overrides</th>
        <${ColumnHeader} text="Created" sort="created" view=${view} />
        <${ColumnHeader} text="Changed" sort="changed" view=${view} />
        <th scope="col" class="cell-menu"><span class="hidden">Actions</span></th>
      </tr>
    </thead>
    <${ListTableBody} listed=${listed} columns=${7} />
  </table>`
}

function ColumnHeader({ text, sort, view }: { text: string; sort: SortKey; view: Signal<ListView> }): VNode {
  const active = view.value.sort === sort
  const order = view.value.descending ? 'descending' : 'ascending'
  return html`<th scope="col" class=${`cell-${sort}`} aria-sort=${active ? order : undefined}>
    <button
      type="button"
      class="column"
      onClick=${() => {
        view.value = toggleSort(view.value, sort)
      }}
    >
      ${text}${active && html`<${Icon} name=${view.value.descending ? 'down' : 'up'} />`}
    </button>
  </th>`
}

function Loading(): VNode {
  const { sync } = useApp()
  const problem = sync.problem.value
  if (problem === null) {
    return html`<div class="loading" role="status"><span class="hidden">Loading deployments</span>
      ${[0, 1, 2, 3, 4].map((at) => html`<div key=${at} class="ghost"></div>`)}
    </div>`
  }
  const again = () => void sync.refresh()
  return html`<${ErrorState} title="The deployments could not be loaded" problem=${problem} again=${again} />`
}
