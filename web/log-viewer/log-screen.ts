/** The lines of an output: draws those near the visible part, follows the end, and lets the user select lines. */
import { type Signal, useComputed, useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { pluralize } from '../format.ts'
import { Icon } from '../ui/icon.ts'
import { lineAt } from '../ui/virtual-range.ts'
import { type LineRange, lineHash, rangeOf } from './lines/line-link.ts'
import { LineText } from './lines/line-text.ts'
import { rowOfLine } from './lines/rows.ts'
import type { LogSection } from './lines/sections.ts'
import { formatLineTime } from './lines/times.ts'
import { type LogModel, lineHeightPx, maxRowChars } from './log-model.ts'
import { nextError } from './log-toolbar.ts'

/** Rows drawn above and below the visible ones. */
const overscanRows = 20

export type StreamState = 'streaming' | 'reconnecting' | 'complete'
type Props = {
  model: LogModel
  screenRef: { current: HTMLPreElement | null }
  state: Signal<StreamState>
  goToLine(line: number): void
  onSelect(range: LineRange | null): void
}

export function LogScreen({ model, screenRef, state, goToLine, onSelect }: Props): VNode {
  const {
    lines,
    rows,
    offsets,
    firstVisibleRow,
    columns,
    wrapped,
    followsEnd,
    isEndVisible,
    currentLine,
    times,
  } = model
  /** The last scroll position, in px and as a line. */
  const scrollPosition = useRef({ px: 0, line: 0 })
  const visibleRows = useSignal(40)
  /** The line that stays selected while the other end moves. */
  const anchor = useRef(0)
  const onScroll = () => {
    const element = screenRef.current
    if (element === null) return
    const { scrollTop: px } = element
    // Only the user scrolls up. New lines move the end, not the visible lines.
    isEndVisible.value = isAtEnd(element)
    if (isEndVisible.peek()) followsEnd.value = true
    else if (px < scrollPosition.current.px) followsEnd.value = false
    const row = lineAt(offsets.peek(), px)
    scrollPosition.current = { px, line: rows.peek().lines[row] ?? 0 }
    firstVisibleRow.value = Math.floor(row / 10) * 10
  }
  const restoreScroll = (line: number) => {
    const element = screenRef.current
    if (element === null) return
    element.scrollTop = followsEnd.peek()
      ? element.scrollHeight
      : (offsets.peek()[rowOfLine(rows.peek(), line)] ?? 0)
    onScroll()
  }
  const checkEnd = () => {
    if (screenRef.current !== null) isEndVisible.value = isAtEnd(screenRef.current)
  }
  useLayoutEffect(() => {
    if (followsEnd.peek()) restoreScroll(0)
  }, [model.version.value])
  useLayoutEffect(checkEnd, [rows.value])
  // After a change of line wrapping the visible lines stay visible; a match has priority.
  useLayoutEffect(() => {
    const { line } = scrollPosition.current
    const match = currentLine.peek()
    restoreScroll(match >= line && match < line + visibleRows.peek() ? match : line)
  }, [columns.value, times.value])
  useEffect(() => {
    const resized = new ResizeObserver(([entry]) => {
      if (!entry) return
      columns.value = wrapped.peek() ? fittingColumns(entry.target) : Number.POSITIVE_INFINITY
      visibleRows.value = Math.ceil(entry.target.clientHeight / lineHeightPx)
      checkEnd()
    })
    resized.observe(screenRef.current as Element)
    return () => resized.disconnect()
  }, [wrapped.value])

  const select = (line: number, extend: boolean) => {
    if (!extend || model.selection.peek() === null) anchor.current = line
    else keepAnchor()
    onSelect(rangeOf(anchor.current, line))
  }
  /** The address may have selected other lines. */
  const keepAnchor = () => {
    const { from, to } = model.selection.peek() ?? { from: 0, to: 0 }
    if (anchor.current !== from && anchor.current !== to) anchor.current = from
  }
  const moveSelection = (step: 1 | -1) => {
    keepAnchor()
    const range = model.selection.peek()
    const end = range === null ? null : range.from === anchor.current ? range.to : range.from
    const start = rows.peek().lines[lineAt(offsets.peek(), screenRef.current?.scrollTop ?? 0)] ?? 0
    const line = end === null ? start : Math.min(Math.max(0, end + step), lines.length - 1)
    select(line, range !== null)
    goToLine(line)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1 as const, ArrowUp: -1 as const }[event.key]
    if (event.altKey && step !== undefined) {
      const line = nextError(model, step)
      if (line < 0) return
      currentLine.value = line
      goToLine(line)
    } else if (event.shiftKey && step !== undefined) moveSelection(step)
    else if (event.key === 'Escape' && model.selection.peek() !== null) onSelect(null)
    else if (event.key === 'a' && (event.ctrlKey || event.metaKey)) {
      // The browser would select only the lines that are drawn.
      anchor.current = 0
      model.selection.value = { from: 0, to: lines.length - 1 }
    } else return
    event.preventDefault()
    event.stopPropagation()
  }
  const onCopy = (event: ClipboardEvent) => {
    const range = model.selection.peek()
    if (range === null || document.getSelection()?.isCollapsed === false) return
    event.clipboardData?.setData('text/plain', model.textOf(range))
    event.preventDefault()
  }

  const from = Math.max(0, firstVisibleRow.value - overscanRows)
  const [start = 0, end = 0] = [offsets.value[from], offsets.value.at(-1)]
  // Exactly the counted columns, so that the pieces of a long line join.
  const wrappedWidth = Number.isFinite(columns.value) ? `calc(${columns.value + 9}ch + 3px)` : ''
  const drawn = [...rows.value.lines.subarray(from, from + visibleRows.value + 2 * overscanRows)]
  return html`<pre
    ref=${screenRef}
    tabindex="0"
    role="region"
    aria-label="Output"
    onScroll=${onScroll}
    onKeyDown=${onKeyDown}
    onCopy=${onCopy}
    ><span class=${wrapped.value ? 'log-lines wrapped' : 'log-lines'} style=${{ height: `${end}px`, paddingTop: `${start}px`, width: wrappedWidth }}
      >${drawn.map((line, index) => html`<${Row} key=${from + index} row=${from + index} line=${line} model=${model} onSelect=${select} />`)}</span
    >${lines.length === 0 && html`<span class="log-empty">${state.value === 'complete' ? 'No output.' : 'No output yet.'}</span>`}</pre
  >`
}

type RowProps = {
  row: number
  line: number
  model: LogModel
  onSelect(line: number, extend: boolean): void
}

function Row({ row, line, model, onSelect }: RowProps): VNode | null {
  const { lines, rows, selection, currentLine, times } = model
  const query = useComputed(() => model.query.value).value
  void model.version.value
  const shown = lines[line]
  if (shown === undefined) return null
  const { stream, text, runs, at } = shown
  const from = rows.value.starts[row] ?? 0
  const isContinued = rows.value.lines[row + 1] === line
  const to = isContinued ? (rows.value.starts[row + 1] ?? 0) : Math.min(text.length, from + maxRowChars)
  const range = selection.value
  const section = from === 0 ? model.sectionAt(line) : null
  const onNumber = (event: MouseEvent) => {
    // The address is changed without a jump of the page.
    event.preventDefault()
    onSelect(line, event.shiftKey)
  }
  return html`<span
    class=${stream}
    data-line=${line + 1}
    data-current=${line === currentLine.value}
    data-selected=${range !== null && line >= range.from && line <= range.to}
    >${from === 0 && html`<a class="line-number" data-number=${line + 1} href=${lineHash({ from: line, to: line })} tabindex="-1" aria-label=${`Line ${line + 1}`} onClick=${onNumber}></a>`}${
      from === 0 &&
      times.value !== 'none' &&
      html`<time dateTime=${at}>${formatLineTime(at, lines[0]?.at ?? at, times.value)} </time>`
    }${
      section === null
        ? html`<${LineText} text=${text} runs=${runs} query=${query} from=${from} to=${to} rest=${isContinued ? 0 : text.length - to} />`
        : html`<${SectionHeader} section=${section} model=${model} />`
    }</span
  >`
}

function SectionHeader({ section, model }: { section: LogSection; model: LogModel }): VNode {
  const isFolded = model.isFolded(section)
  const count = (section.end ?? model.lines.length) - section.start - 1
  return html`<button type="button" class="section-toggle" aria-expanded=${!isFolded} onClick=${() => model.setFolded(section, !isFolded)}
    ><${Icon} name="down" />${section.title || 'Section'} <small>${pluralize(count, 'line')}</small></button
  >`
}

/**
 * Characters per line: the width of tenCharsPx characters is the scroll padding set in log-viewer.css; tenCharsPx
 * are reserved for line numbers.
 */
function fittingColumns(element: Element): number {
  const tenCharsPx = Number.parseFloat(getComputedStyle(element).scrollPaddingLeft)
  return Math.max(1, Math.floor((10 * element.clientWidth) / tenCharsPx) - 10)
}

export const isAtEnd = ({ scrollTop, clientHeight, scrollHeight }: HTMLElement): boolean =>
  scrollTop + clientHeight >= scrollHeight - 12
