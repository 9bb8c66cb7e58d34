/**
 * The page with all deployments. list-model.ts decides which rows are shown in which order;
 * list-table-body.ts draws them.
 */
import { type ReadonlySignal, type Signal, useComputed, useSignal, useSignalEffect } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import { activeAction, statusOf } from '../../client/action-outcome.ts'
import type { FullInfo } from '../../domain/schemas.ts'
import { isPending } from '../../domain/statuses.ts'
import { isOwn } from '../account/identity.ts'
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
import { SelectAll, useMaySelect } from './selection/select-all.ts'
import { SelectionBar } from './selection/selection-bar.ts'

/** The URL is updated this long after the last keystroke: browsers reject too frequent history changes. */
const urlUpdateDelayMs = 250

export function ListPage({ search }: { search: string }): VNode {
  const { store, sync, router, ownChanges, identity, clock } = useApp()
  const view = useSignal(parseView(search))
  const waitsForPointer = useRef(false)
  const model = useMemo(() => {
    /** Rows move while the list is loading, while nobody looks, and for the user's own actions until they end. */
    const isHeld = (name: string) => {
      const isOwnChange = ownChanges.has(name)
      if (isOwnChange && hasSettled(store.rows.get(name)?.peek())) ownChanges.delete(name)
      if (!sync.isComplete.peek() || document.visibilityState !== 'visible') return false
      if (!isOwnChange) return true
      const inUse = isListInUse()
      if (inUse) waitsForPointer.current = true
      return inUse
    }
    const isMine = (info: FullInfo) => isOwn(identity.who.peek(), info.owner)
    return createListModel(store, view.peek(), { isHeld, isMine, currentTimeMs: clock.currentTimeMs })
  }, [])
  const toolsRef = useRef<HTMLDivElement>(null)
  useStickyHeight(toolsRef)

  useSignalEffect(() => {
    // Who "me" is.
    identity.key.value
    model.setView(view.value)
  })
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
    const showOwn = () => {
      if (!waitsForPointer.current || isListInUse()) return
      waitsForPointer.current = false
      model.showHeld()
    }
    const closing = new AbortController()
    document.addEventListener('visibilitychange', model.showHeld, closing)
    for (const event of ['pointerover', 'keyup']) document.addEventListener(event, showOwn, closing)
    return () => {
      closing.abort()
      model.close()
    }
  }, [])

  return html`<main class="list">
    <h1 class="visually-hidden">Deployments</h1>
    ${
      sync.hasData.value
        ? html`<div class="list-tools" ref=${toolsRef}>
              <${ListToolbar} view=${view} state=${model.state} />
              <${ListSummary} view=${view} state=${model.state} onShowHeld=${model.showHeld} />
            </div>
            <${Deployments} view=${view} state=${model.state} />
            <${SelectionBar} state=${model.state}><${StaleDataWarning} error=${sync.error.value} /><//>`
        : html`<${Loading} />`
    }
  </main>`
}

/** A row that moved now could be hit by a click that was meant for another one. The keyboard's focus stays with its row. */
const isListInUse = () =>
  document.querySelector('.deployments [role=menu]') !== null ||
  (matchMedia('(hover: hover)').matches && document.querySelector('.deployments tbody:hover') !== null)

/** The header of the table stays below the tools, whose height depends on the width. */
function useStickyHeight(ref: { current: HTMLElement | null }): void {
  useEffect(() => {
    const { current } = ref
    if (current === null) return
    const resized = new ResizeObserver(() => {
      const isSticky = getComputedStyle(current).position === 'sticky'
      const heightPx = isSticky ? current.getBoundingClientRect().height : 0
      document.documentElement.style.setProperty('--tools-height', `${heightPx}px`)
    })
    resized.observe(current)
    return () => resized.disconnect()
  }, [ref.current !== null])
}

/** Besides that of the checkboxes. Narrow screens hide "Created". A spacer that spans all columns would add an empty one there. */
const alwaysShownColumns = 6

const hasSettled = (info: FullInfo | undefined) =>
  info === undefined || (activeAction(info) === null && !isPending(statusOf(info)))

type Props = { view: Signal<ListView>; state: ReadonlySignal<ListState> }

function Deployments({ view, state }: Props): VNode {
  const maySelect = useMaySelect()
  if (state.value.items.length === 0) return html`<${EmptyState} view=${view} state=${state.value} />`
  return html`<table class="deployments" aria-rowcount=${state.value.items.length + 1}>
    <thead>
      <tr aria-rowindex="1">
        ${maySelect && html`<th scope="col" class="cell-select"><${SelectAll} state=${state} /></th>`}
        <${ColumnHeader} label="Name" sort="name" view=${view} />
        <th scope="col" class="cell-status">Status</th>
        <th scope="col" class="cell-links">Links</th>
        <th scope="col" class="cell-config">Overrides</th>
        <${ColumnHeader} label="Created" sort="created" view=${view} />
        <${ColumnHeader} label="Changed" sort="changed" view=${view} />
        <th scope="col" class="cell-menu"><span class="visually-hidden">Actions</span></th>
      </tr>
    </thead>
    <${ListTableBody} state=${state} columns=${alwaysShownColumns + (maySelect ? 1 : 0)} maySelect=${maySelect} />
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
