/**
 * The rows of the list, of which only those near what is seen are drawn (list-window.ts); the rest is a blank of their
 * height. A row that holds the focus stays, so that neither the keyboard nor an open menu loses its place.
 */
import { type ReadonlySignal, useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { ListRow } from './list-row.ts'
import { type Stretch, stretchesOf, topsOf } from './list-window.ts'
import type { Item, Listed } from './listing.ts'

/** Beyond what is seen, above and below, in pixels. */
const beyond = 400
/** Rows drawn before anything is known of their height. */
const atFirst = 24

type Shape = { columns: number; gap: number; width: number; guess: number }

/** `columns`: of the table, which a blank spans. */
export function ListRows({ listed, columns }: { listed: ReadonlySignal<Listed>; columns: number }): VNode {
  const place = useRef<HTMLTableSectionElement>(null)
  const shape = useRef<Shape>({ columns: 1, gap: 0, width: 0, guess: 60 }).current
  const near = useSignal<readonly Stretch[]>([[0, atFirst]])
  const { items, words } = listed.value
  const tops = topsOf(items.length, (at) => (items[at] as Item).height, shape)
  const lines = tops.length - 1

  /** Takes the heights of what is drawn, looks where the list stands, and draws what is near. */
  const look = useRef(() => {})
  look.current = () => {
    const body = place.current
    if (body === null) return
    const { top } = body.getBoundingClientRect()
    const focused = document.activeElement?.closest<HTMLElement>('[data-name]')?.dataset.name
    const line = focused ? Math.floor(items.findIndex(({ name }) => name === focused) / shape.columns) : -1
    const next = stretchesOf(tops, -top - beyond, window.innerHeight - top + beyond, line)
    if (measureRows(body, items, shape) || String(next) !== String(near.peek())) near.value = next
  }
  useLayoutEffect(() => look.current())
  useEffect(() => {
    const again = () => look.current()
    // In the next frame: what is drawn for it may change the size once more.
    const resized = new ResizeObserver(() => requestAnimationFrame(again))
    resized.observe(place.current as Element)
    const leaving = new AbortController()
    for (const event of ['scroll', 'resize']) window.addEventListener(event, again, leaving)
    return () => {
      resized.disconnect()
      leaving.abort()
    }
  }, [])

  const parts: VNode[] = []
  let [line, blanks] = [0, 0]
  const blankTo = (to: number) => {
    const height = (tops[to] ?? 0) - (tops[line] ?? 0) - shape.gap
    blanks += 1
    if (to > line) parts.push(html`<${Blank} key=${blanks} height=${height} columns=${columns} />` as VNode)
  }
  for (const stretch of near.value) {
    const [from = 0, to = 0] = stretch.map((end) => Math.min(end, lines))
    const first = from * shape.columns
    blankTo(from)
    for (const [at, { name, row, opened }] of items.slice(first, to * shape.columns).entries()) {
      parts.push(
        html`<${ListRow} key=${name} name=${name} row=${row} words=${words} opened=${opened} index=${first + at} />` as VNode,
      )
    }
    line = to
  }
  blankTo(lines)
  return html`<tbody ref=${place}>${parts}</tbody>`
}

function Blank({ height, columns }: { height: number; columns: number }): VNode {
  return html`<tr class="blank" aria-hidden="true" style=${{ height: `${height}px` }}><td colspan=${columns}></td></tr>`
}

/** True: something has another height than was thought. All heights are forgotten when the width has changed. */
function measureRows(body: HTMLElement, items: readonly Item[], shape: Shape): boolean {
  const style = getComputedStyle(body)
  const isGrid = style.display === 'grid'
  const columns = isGrid ? style.gridTemplateColumns.split(' ').length : 1
  const width = Math.round(body.getBoundingClientRect().width)
  const isNew = width !== shape.width || columns !== shape.columns
  if (isNew) {
    for (const item of items) item.height = 0
    Object.assign(shape, { columns, width, gap: isGrid ? Number.parseFloat(style.rowGap) : 0 })
  }
  let changed = isNew
  let [sum, count] = [0, 0]
  for (const row of body.querySelectorAll<HTMLElement>('tr[data-name]')) {
    const item = items[Number(row.ariaRowIndex) - 2]
    // Something has moved since: it will be drawn and measured anew.
    if (item === undefined || item.name !== row.dataset.name) continue
    const { height } = row.getBoundingClientRect()
    sum += height
    count += 1
    if ((item.height || shape.guess) !== height) changed = true
    item.height = height
  }
  // Guessed once for each width: a guess that wanders would move what is seen.
  if (isNew && count > 0) shape.guess = sum / count
  return changed
}
