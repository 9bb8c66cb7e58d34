/** The screen of all deployments. Which rows in what order: listing.ts; what is drawn of them: list-rows.ts. */
import { type ReadonlySignal, type Signal, useSignal, useSignalEffect } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import { Icon } from '../parts/icon.ts'
import { Missing, Stale } from '../parts/trouble.ts'
import { useWorld } from '../world.ts'
import { ListCount } from './list-count.ts'
import { ListRows } from './list-rows.ts'
import { ListTools } from './list-tools.ts'
import { parseView, printView, type SortKey, sortBy, type View } from './list-view.ts'
import { type Listed, openListing } from './listing.ts'
import { Nothing } from './nothing.ts'

/** So long nobody has typed: then the address tells of it. Browsers refuse addresses that change all the time. */
const addressMs = 250

export function ListPage({ search }: { search: string }): VNode {
  const { store, sync, router } = useWorld()
  const view = useSignal(parseView(search))
  const listing = useMemo(() => openListing(store, view.peek()), [])

  useSignalEffect(() => listing.look(view.value))
  useSignalEffect(() => {
    const address = printView(view.value)
    const soon = setTimeout(() => router.note(address), addressMs)
    return () => clearTimeout(soon)
  })
  useSignalEffect(() => {
    const route = router.route.value
    if (route.page === 'list') view.value = parseView(route.search)
  })
  useEffect(() => {
    document.title = 'Deployments · Octopod'
    return listing.close
  }, [])

  return html`<main class="list">
    <h1 class="hidden">Deployments</h1>
    ${
      sync.loaded.value
        ? html`<${Stale} problem=${sync.problem.value} />
            <${ListTools} view=${view} listed=${listing.listed} />
            <${ListCount} listed=${listing.listed} />
            <${Deployments} view=${view} listed=${listing.listed} />`
        : html`<${Loading} />`
    }
  </main>`
}

type Props = { view: Signal<View>; listed: ReadonlySignal<Listed> }

function Deployments({ view, listed }: Props): VNode {
  if (listed.value.items.length === 0) return html`<${Nothing} view=${view} listed=${listed.value} />`
  return html`<table class="deployments" aria-rowcount=${listed.value.items.length + 1}>
    <thead>
      <tr aria-rowindex="1">
        <${Column} text="Name" sort="name" view=${view} />
        <th scope="col" class="cell-status">Status</th>
        <th scope="col" class="cell-links">Links</th>
        <th scope="col" class="cell-config">Overrides</th>
        <${Column} text="Created" sort="created" view=${view} />
        <${Column} text="Changed" sort="changed" view=${view} />
        <th scope="col" class="cell-menu"><span class="hidden">Actions</span></th>
      </tr>
    </thead>
    <${ListRows} listed=${listed} columns=${7} />
  </table>`
}

function Column({ text, sort, view }: { text: string; sort: SortKey; view: Signal<View> }): VNode {
  const active = view.value.sort === sort
  const order = view.value.descending ? 'descending' : 'ascending'
  return html`<th scope="col" class=${`cell-${sort}`} aria-sort=${active ? order : undefined}>
    <button
      type="button"
      class="column"
      onClick=${() => {
        view.value = sortBy(view.value, sort)
      }}
    >
      ${text}${active && html`<${Icon} name=${view.value.descending ? 'down' : 'up'} />`}
    </button>
  </th>`
}

function Loading(): VNode {
  const { sync } = useWorld()
  const problem = sync.problem.value
  if (problem === null) {
    return html`<div class="loading" role="status"><span class="hidden">Loading deployments</span>
      ${[0, 1, 2, 3, 4].map((at) => html`<div key=${at} class="ghost"></div>`)}
    </div>`
  }
  const again = () => void sync.refresh()
  return html`<${Missing} title="The deployments could not be loaded" problem=${problem} again=${again} />`
}
