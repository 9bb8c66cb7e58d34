/** The screen of all deployments. What is shown and in what order: list-view.ts; one row: list-row.ts. */
import { useComputed, useSignal, useSignalEffect } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { FullInfo } from '../../domain/shapes.ts'
import { Icon } from '../parts/icon.ts'
import { ProblemBox } from '../parts/problem.ts'
import { searchText, wordsOf } from '../search.ts'
import { count } from '../words.ts'
import { useWorld } from '../world.ts'
import { ListRow } from './list-row.ts'
import { ListTools } from './list-tools.ts'
import { type Picked, parseView, pick, printView, type SortKey, sortBy, type View } from './list-view.ts'

/** Rows drawn at first, and added whenever the end comes into sight. */
const step = 100

export function ListPage({ search }: { search: string }): VNode {
  const { store, sync, router, panel } = useWorld()
  const view = useSignal(parseView(search))
  const textOf = useState(rememberTexts)[0]
  const drawn = useSignal(step)
  const picked = useComputed((): Picked => {
    void store.changes.value
    return pick(everyInfo(store.rows), view.value, textOf)
  })
  const words = useComputed(() => wordsOf(view.value.query)).value

  useSignalEffect(() => {
    router.note(printView(view.value))
    drawn.value = step
  })
  useSignalEffect(() => {
    const route = router.route.value
    if (route.page === 'list') view.value = parseView(route.search)
  })
  useEffect(() => {
    document.title = 'Deployments · Octopod'
  }, [])

  const drawMore = () => {
    drawn.value += step
  }
  const { shown, total, putAway } = picked.value
  const problem = sync.problem.value
  if (!sync.loaded.value) {
    const signIn = () => {
      panel.value = { panel: 'sign-in' }
    }
    return html`<main class="list">
      <h1 class="hidden">Deployments</h1>
      ${
        problem === null
          ? html`<${Loading} />`
          : html`<${ProblemBox}
              title="The deployments could not be loaded"
              problem=${problem}
              again=${() => void sync.refresh()}
              signIn=${problem.status === 401 ? signIn : undefined}
            />`
      }
    </main>`
  }
  return html`<main class="list">
    <h1 class="hidden">Deployments</h1>
    ${problem !== null && html`<p class="warning" role="status">What you see may be old. ${problem.message} ${problem.remedy}</p>`}
    <${ListTools} view=${view} putAway=${putAway} />
    <p class="list-count" role="status">${countWords(picked.value, view.value.query)}</p>
    ${
      shown.length === 0
        ? html`<${Nothing} total=${total} putAway=${putAway} searched=${view.value.query !== ''} />`
        : html`<table class="deployments">
            <thead>
              <tr>
                <${Column} text="Name" sort="name" view=${view} />
                <th scope="col" class="cell-status">Status</th>
                <th scope="col" class="cell-links">Links</th>
                <th scope="col" class="cell-config">Overrides</th>
                <${Column} text="Created" sort="created" view=${view} />
                <${Column} text="Changed" sort="changed" view=${view} />
                <th scope="col" class="cell-menu"><span class="hidden">Actions</span></th>
              </tr>
            </thead>
            <tbody>
              ${shown.slice(0, drawn.value).map(({ deployment: { name } }) => {
                const row = store.rows.get(name)
                return row && html`<${ListRow} key=${name} row=${row} words=${words} />`
              })}
            </tbody>
          </table>`
    }
    ${
      shown.length > drawn.value &&
      html`<${More} key=${drawn.value} more=${drawMore} left=${shown.length - drawn.value} />`
    }
  </main>`
}

function Column({ text, sort, view }: { text: string; sort: SortKey; view: { value: View } }): VNode {
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

/** The next rows come when the end of the list is near; the button is for those who do not scroll. */
function More({ more, left }: { more: () => void; left: number }): VNode {
  const place = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const seen = new IntersectionObserver(([entry]) => entry?.isIntersecting && more(), {
      rootMargin: '600px',
    })
    if (place.current !== null) seen.observe(place.current)
    return () => seen.disconnect()
  }, [])
  return html`<div class="more" ref=${place}>
    <button type="button" onClick=${more}>Show more (${left.toLocaleString()} left)</button>
  </div>`
}

function Loading(): VNode {
  return html`<div class="loading" role="status"><span class="hidden">Loading deployments</span>
    ${[0, 1, 2, 3, 4].map((at) => html`<div key=${at} class="ghost"></div>`)}
  </div>`
}

function Nothing({ total, putAway, searched }: { total: number; putAway: number; searched: boolean }): VNode {
  if (searched) {
    return html`<div class="nothing">
      <p>Nothing matches.</p>
      <p class="remedy">The search looks at names, config keys and values; every word must be found.</p>
    </div>`
  }
  if (total === 0) {
    return html`<div class="nothing">
      <p>No deployments yet.</p>
      <p class="remedy">A deployment is a staging environment of your project. Create the first one.</p>
    </div>`
  }
  return html`<div class="nothing">
    <p>Everything is archived.</p>
    <p class="remedy">Switch on “Archived” to see ${count(putAway, 'archived deployment')}.</p>
  </div>`
}

function countWords({ shown, total, putAway }: Picked, query: string): string {
  if (query !== '') return `${shown.length.toLocaleString()} of ${count(total, 'deployment')}`
  const listed = count(shown.length, 'deployment')
  return shown.length === total || putAway === 0 ? listed : `${listed}, ${putAway.toLocaleString()} archived`
}

function* everyInfo(rows: ReadonlyMap<string, { peek(): FullInfo }>): Generator<FullInfo> {
  for (const row of rows.values()) yield row.peek()
}

/** The search text of each row, made once for each state of it. */
function rememberTexts(): (info: FullInfo) => string {
  const texts = new WeakMap<FullInfo, string>()
  return (info) => {
    const text = texts.get(info) ?? searchText(info)
    texts.set(info, text)
    return text
  }
}
