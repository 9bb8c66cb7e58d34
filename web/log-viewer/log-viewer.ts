/** The output of one action, live, for admins: only the lines in sight are drawn. What it knows: log-model.ts. */
import { type Signal, useComputed, useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import type { ApiError } from '../api/errors.ts'
import { useApp } from '../app-context.ts'
import { pluralize } from '../format.ts'
import { ErrorBox } from '../ui/error-box.ts'
import { lineAt } from '../ui/virtual-range.ts'
import { createLogModel, type LogModel, lineHeightPx, maxLineChars } from './log-model.ts'
import { LogToolbar } from './log-toolbar.ts'
import { splitByMatch } from './search.ts'
import { streamOutput } from './stream.ts'

/** More than fit in sight, and some above and below. */
const visibleLines = 40
const overscanLines = 20

type State = 'reading' | 'trouble' | 'ended'
type Props = { actionId: number; name: string; truncated: boolean }

export function LogViewer({ actionId, name, truncated }: Props): VNode {
  const { client } = useApp()
  const attempt = useSignal(0)
  const view = useMemo(createLogModel, [attempt.value])
  const place = useRef<HTMLPreElement>(null)
  const state = useSignal<State>('reading')
  const refused = useSignal<ApiError | null>(null)

  useEffect(() => {
    const unmount = new AbortController()
    refused.value = null
    void streamOutput(client, actionId, unmount.signal, {
      chunk: view.add,
      connectionError: (problem) => {
        state.value = problem === null ? 'reading' : 'trouble'
      },
      rejected: (problem) => {
        refused.value = problem
      },
      end: () => {
        state.value = 'ended'
      },
    })
    return () => unmount.abort()
  }, [actionId, attempt.value])

  if (refused.value !== null) {
    const again = () => {
      attempt.value += 1
    }
    return html`<${ErrorBox} problem=${refused.value} again=${again} />`
  }
  /** Puts a line in the middle, or the last one at the end. */
  const scrollToLine = (line: number | 'end') => {
    const element = place.current
    if (element === null) return
    const { offsets } = view
    element.scrollTop =
      line === 'end'
        ? element.scrollHeight
        : (offsets.peek()[line] ?? 0) - element.clientHeight / 2 + lineHeightPx
    view.followsEnd.value = isAtEnd(element)
  }
  return html`<div class="output">
    <div class="output-head">
      <${LogStatus} view=${view} state=${state} />
      <${LogToolbar} view=${view} actionId=${actionId} name=${name} show=${scrollToLine} />
    </div>
    <${LogScreen} view=${view} place=${place} state=${state} />
    <${JumpToEnd} view=${view} show=${scrollToLine} />
    ${truncated && html`<p class="output-note">The output went over the limit and was cut.</p>`}
  </div>`
}

const stateLabels: Record<State, string> = {
  reading: 'live',
  trouble: 'connection lost, trying again',
  ended: 'complete',
}

function LogStatus({ view, state }: { view: LogModel; state: Signal<State> }): VNode {
  return html`<span class="output-title">Output</span>
    <span class="output-state"><span role="status">${stateLabels[state.value]}</span>, ${pluralize(view.count.value, 'line')}</span>`
}

function JumpToEnd({ view, show }: { view: LogModel; show: (line: 'end') => void }): VNode | null {
  if (view.followsEnd.value) return null
  return html`<button type="button" class="output-jump" onClick=${() => show('end')}>Jump to the end</button>`
}

type LogScreenProps = { view: LogModel; place: { current: HTMLPreElement | null }; state: Signal<State> }

function LogScreen({ view, place, state }: LogScreenProps): VNode {
  const { lines, offsets, firstVisibleLine, columns, wrapped, followsEnd, query, currentMatch } = view
  /** Where it was scrolled to, in pixels and as a line. */
  const scrollPosition = useRef({ px: 0, line: 0 })
  const onScroll = () => {
    const element = place.current
    if (element === null) return
    const { scrollTop: px } = element
    // Only a person scrolls up; lines that come in move the end away, not what is in sight.
    if (isAtEnd(element)) followsEnd.value = true
    else if (px < scrollPosition.current.px) followsEnd.value = false
    const line = lineAt(offsets.peek(), px)
    scrollPosition.current = { px, line }
    firstVisibleLine.value = Math.floor(line / 10) * 10
  }
  const restoreScroll = (line: number) => {
    const element = place.current
    if (element === null) return
    element.scrollTop = followsEnd.peek() ? element.scrollHeight : (offsets.peek()[line] ?? 0)
    onScroll()
  }
  useLayoutEffect(() => {
    if (followsEnd.peek()) restoreScroll(0)
  }, [view.version.value])
  // Other breaks of lines: what was looked at stays in sight, a match before all.
  useLayoutEffect(() => {
    const { line } = scrollPosition.current
    const match = currentMatch.peek()
    restoreScroll(match >= line && match < line + visibleLines ? match : line)
  }, [columns.value])
  useEffect(() => {
    const resized = new ResizeObserver(([entry]) => {
      if (entry) columns.value = wrapped.peek() ? fittingColumns(entry.target) : Number.POSITIVE_INFINITY
    })
    resized.observe(place.current as Element)
    return () => resized.disconnect()
  }, [wrapped.value])
  const from = Math.max(0, firstVisibleLine.value - overscanLines)
  const [start = 0, end = 0] = [offsets.value[from], offsets.value.at(-1)]
  const marked = useComputed(() => query.value).value
  return html`<pre
    ref=${place}
    tabindex="0"
    role="region"
    aria-label="Output"
    onScroll=${onScroll}
    ><span class=${wrapped.value ? 'output-lines wrapped' : 'output-lines'} style=${{ height: `${end}px`, paddingTop: `${start}px` }}
      >${lines.slice(from, from + visibleLines + 2 * overscanLines).map(
        ({ stream, text }, at) =>
          html`<span
            key=${from + at}
            class=${stream}
            data-line=${from + at + 1}
            data-current=${from + at === currentMatch.value}
            ><${LineText} text=${text} query=${marked} /></span
          >`,
      )}</span
    >${lines.length === 0 && html`<span class="output-empty">${state.value === 'ended' ? 'It printed nothing.' : 'Nothing printed yet.'}</span>`}</pre
  >`
}

/** How many characters fit beside each other; the ten that style/output.css keeps for numbers are taken off. */
function fittingColumns(element: Element): number {
  const ten = Number.parseFloat(getComputedStyle(element).scrollPaddingLeft)
  return Math.max(1, Math.floor((10 * element.clientWidth) / ten) - 10)
}

const isAtEnd = ({ scrollTop, clientHeight, scrollHeight }: HTMLElement) =>
  scrollTop + clientHeight >= scrollHeight - 12

function LineText({ text, query }: { text: string; query: string }): VNode {
  const rest = text.length - maxLineChars
  return html`${splitByMatch(text.slice(0, maxLineChars), query).map((piece, at) => (at % 2 ? html`<mark key=${at}>${piece}</mark>` : piece))}${
    rest > 0 && html`<i>… ${pluralize(rest, 'character')} more: download the output</i>`
  }`
}
