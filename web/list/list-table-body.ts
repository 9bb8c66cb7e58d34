/**
 * The table body of the list. Draws only the rows near the viewport (ui/virtual-range.ts) and spacers of the
 * right height for the others. The row that has the focus stays drawn, so that the keyboard and an open menu
 * keep their place.
 */
import { type ReadonlySignal, useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import { useApp } from '../app-context.ts'
import { type Range, rowOffsets, visibleRanges } from '../ui/virtual-range.ts'
import type { ListItem, ListState } from './list-model.ts'
import { ListRow } from './row/list-row.ts'
import { onRowKey } from './selection/row-select.ts'

/** Rows within this distance of the viewport are drawn too. */
const overscanPx = 400
/** Rows drawn before the first measurement. */
const initialRows = 24

type Layout = { columns: number; gap: number; width: number; estimatedHeight: number }

/** The layout and the heights of the rows when the list was left: who comes back finds every row at the same place. */
const left: { layout: Layout; heights: Map<string, number> } = {
  layout: { columns: 1, gap: 0, width: 0, estimatedHeight: 60 },
  heights: new Map(),
}

/** `columns`: number of table columns that a spacer spans. `maySelect`: whether each row has a checkbox. */
export function ListTableBody({
  state,
  columns,
  maySelect,
}: {
  state: ReadonlySignal<ListState>
  columns: number
  maySelect: boolean
}): VNode {
  const { selection } = useApp()
  const bodyRef = useRef<HTMLTableSectionElement>(null)
  const layout = useMemo(() => {
    for (const item of state.peek().items) item.height ||= left.heights.get(item.name) ?? 0
    return { ...left.layout }
  }, [])
  const drawnRanges = useSignal<readonly Range[]>([[0, initialRows]])
  const { items, terms } = state.value
  const offsets = rowOffsets(items.length, (index) => (items[index] as ListItem).height, layout)
  const lines = offsets.length - 1

  /** Measures the drawn rows and updates the drawn ranges for the scroll position. */
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
    // In the next frame, because drawing may change the size again.
    const resized = new ResizeObserver(() => requestAnimationFrame(onResize))
    resized.observe(bodyRef.current as Element)
    const unmount = new AbortController()
    for (const event of ['scroll', 'resize']) window.addEventListener(event, onResize, unmount)
    return () => {
      resized.disconnect()
      unmount.abort()
      const heights = state.peek().items.map(({ name, height }) => [name, height] as const)
      Object.assign(left, { layout, heights: new Map(heights) })
    }
  }, [])

  const order = useMemo(
    () => (maySelect ? () => state.peek().items.map(({ name }) => name) : null),
    [maySelect],
  )
  const onKeyDown = (event: KeyboardEvent) => onRowKey(event, state.peek().items, selection)

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
    for (const [index, { name, row, expandedLevels, deleted }] of items
      .slice(first, to * layout.columns)
      .entries()) {
      parts.push(
        html`<${ListRow} key=${name} name=${name} row=${row} terms=${terms} expandedLevels=${expandedLevels} deleted=${deleted} order=${order} index=${first + index} />` as VNode,
      )
    }
    line = to
  }
  addSpacer(lines)
  return html`<tbody ref=${bodyRef} onKeyDown=${onKeyDown}>${parts}</tbody>`
}

function Spacer({ height, columns }: { height: number; columns: number }): VNode {
  return html`<tr class="spacer" aria-hidden="true" style=${{ height: `${height}px` }}><td colspan=${columns}></td></tr>`
}

/** Returns true when a height differs from the estimate. A changed width discards all heights. */
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
    // The row has moved; it will be drawn and measured again.
    if (item === undefined || item.name !== row.dataset.name) continue
    const { height } = row.getBoundingClientRect()
    sum += height
    count += 1
    if ((item.height || layout.estimatedHeight) !== height) changed = true
    item.height = height
  }
  // Estimated once per width: a changing estimate would move the visible rows.
  if (isNew && count > 0) layout.estimatedHeight = sum / count
  return changed
}
