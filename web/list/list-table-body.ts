/**
 * The rows of the list, of which only those near what is seen are drawn (virtual-range.ts); the rest is a blank of their
 * height. A row that holds the focus stays, so that neither the keyboard nor an open menu loses its place.
 */
import { type ReadonlySignal, useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { type Range, rowOffsets, visibleRanges } from '../ui/virtual-range.ts'
import type { ListItem, ListState } from './list-model.ts'
import { ListRow } from './list-row.ts'

/** Beyond what is seen, above and below, in pixels. */
const overscanPx = 400
/** Rows drawn before anything is known of their height. */
const initialRows = 24

type Layout = { columns: number; gap: number; width: number; estimatedHeight: number }

/** `columns`: of the table, which a blank spans. */
export function ListTableBody({
  listed,
  columns,
}: {
  listed: ReadonlySignal<ListState>
  columns: number
}): VNode {
  const bodyRef = useRef<HTMLTableSectionElement>(null)
  const layout = useRef<Layout>({ columns: 1, gap: 0, width: 0, estimatedHeight: 60 }).current
  const drawnRanges = useSignal<readonly Range[]>([[0, initialRows]])
  const { items, terms } = listed.value
  const offsets = rowOffsets(items.length, (at) => (items[at] as ListItem).height, layout)
  const lines = offsets.length - 1

  /** Takes the heights of what is drawn, looks where the list stands, and draws what is near. */
  const update = useRef(() => {})
  update.current = () => {
    const body = bodyRef.current
    if (body === null) return
    const { top } = body.getBoundingClientRect()
    const focused = document.activeElement?.closest<HTMLElement>('[data-name]')?.dataset.name
    const line = focused ? Math.floor(items.findIndex(({ name }) => name === focused) / layout.columns) : -1
    const next = visibleRanges(offsets, -top - overscanPx, window.innerHeight - top + overscanPx, line)
    if (measureRows(body, items, layout) || String(next) !== String(drawnRanges.peek()))
      drawnRanges.value = next
  }
  useLayoutEffect(() => update.current())
  useEffect(() => {
    const onResize = () => update.current()
    // In the next frame: what is drawn for it may change the size once more.
    const resized = new ResizeObserver(() => requestAnimationFrame(onResize))
    resized.observe(bodyRef.current as Element)
    const unmount = new AbortController()
    for (const event of ['scroll', 'resize']) window.addEventListener(event, onResize, unmount)
    return () => {
      resized.disconnect()
      unmount.abort()
    }
  }, [])

  const parts: VNode[] = []
  let [line, spacers] = [0, 0]
  const addSpacer = (to: number) => {
    const height = (offsets[to] ?? 0) - (offsets[line] ?? 0) - layout.gap
    spacers += 1
    if (to > line) parts.push(html`<${Spacer} key=${spacers} height=${height} columns=${columns} />` as VNode)
  }
  for (const range of drawnRanges.value) {
    const [from = 0, to = 0] = range.map((end) => Math.min(end, lines))
    const first = from * layout.columns
    addSpacer(from)
    for (const [at, { name, row, opened }] of items.slice(first, to * layout.columns).entries()) {
      parts.push(
        html`<${ListRow} key=${name} name=${name} row=${row} words=${terms} opened=${opened} index=${first + at} />` as VNode,
      )
    }
    line = to
  }
  addSpacer(lines)
  return html`<tbody ref=${bodyRef}>${parts}</tbody>`
}

function Spacer({ height, columns }: { height: number; columns: number }): VNode {
  return html`<tr class="blank" aria-hidden="true" style=${{ height: `${height}px` }}><td colspan=${columns}></td></tr>`
}

/** True: something has another height than was thought. All heights are forgotten when the width has changed. */
function measureRows(body: HTMLElement, items: readonly ListItem[], layout: Layout): boolean {
  const style = getComputedStyle(body)
  const isGrid = style.display === 'grid'
  const columns = isGrid ? style.gridTemplateColumns.split(' ').length : 1
  const width = Math.round(body.getBoundingClientRect().width)
  const isNew = width !== layout.width || columns !== layout.columns
  if (isNew) {
    for (const item of items) item.height = 0
    Object.assign(layout, { columns, width, gap: isGrid ? Number.parseFloat(style.rowGap) : 0 })
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
    if ((item.height || layout.estimatedHeight) !== height) changed = true
    item.height = height
  }
  // Guessed once for each width: a guess that wanders would move what is seen.
  if (isNew && count > 0) layout.estimatedHeight = sum / count
  return changed
}
