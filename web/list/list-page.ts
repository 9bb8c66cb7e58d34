/**
 * The page with all deployments. list-model.ts decides which rows are shown in which order;
 * list-table-body.ts draws them.
 */
import { type ReadonlySignal, type Signal, useComputed, useSignal, useSignalEffect } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import { activeAction, statusOf } from '../../client/action-outcome.ts'
import type { FullInfo } from '../../domain/schemas.ts'
import { isPending } from '../../domain/statuses.ts'
import { useApp } from '../app-context.ts'
import { setBrowserTab } from '../ui/browser-tab.ts'
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
  const { store, sync, router, ownChanges } = useApp()
  const view = useSignal(parseView(search))
  const model = useMemo(() => {
    /** Rows move while the list is loading, while nobody looks, and for the user's own actions until they end. */
    const isHeld = (name: string) => {
      const isOwn = ownChanges.has(name)
      if (isOwn && hasSettled(store.rows.get(name)?.peek())) ownChanges.delete(name)
      return !isOwn && sync.isComplete.peek() && document.visibilityState === 'visible'
    }
    return createListModel(store, view.peek(), { isHeld })
  }, [])

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
  const attention = useComputed(() => model.state.value.attention).value
  useEffect(() => {
    setBrowserTab(`${attention > 0 ? `(${attention}) ` : ''}Deployments · Octopod`, attention > 0)
  }, [attention])
  useEffect(() => {
    document.addEventListener('visibilitychange', model.showHeld)
    return () => {
      document.removeEventListener('visibilitychange', model.showHeld)
      model.close()
    }
  }, [])

  return html`<main class="list">
    <h1 class="visually-hidden">Deployments</h1>
    ${
      sync.hasData.value
        ? html`<${ListToolbar} view=${view} state=${model.state} />
            <${ListSummary} state=${model.state} onShowHeld=${model.showHeld} />
            <${Deployments} view=${view} state=${model.state} />
            <${StaleDataWarning} error=${sync.error.value} />`
        : html`<${Loading} />`
    }
  </main>`
}

/** Narrow screens hide "Created". A spacer that spans all columns would add an empty one there. */
const alwaysShownColumns = 6

const hasSettled = (info: FullInfo | undefined) =>
  info === undefined || (activeAction(info) === null && !isPending(statusOf(info)))

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
    <${ListTableBody} state=${state} columns=${alwaysShownColumns} />
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
