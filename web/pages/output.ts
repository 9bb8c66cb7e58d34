/** The output of one action, live, for admins: only the lines in sight are drawn. What it knows: output-view.ts. */
import { type Signal, useComputed, useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import { piecesOf } from '../output-find.ts'
import { listen } from '../output-stream.ts'
import { ProblemBox } from '../parts/problem.ts'
import type { Problem } from '../problem.ts'
import { count } from '../words.ts'
import { useWorld } from '../world.ts'
import { lineAt } from './list-window.ts'
import { OutputTools } from './output-tools.ts'
import { createOutputView, linePx, maxChars, type OutputView } from './output-view.ts'

/** More than fit in sight, and some above and below. */
const drawn = 40
const above = 20

type State = 'reading' | 'trouble' | 'ended'
type Props = { actionId: number; name: string; truncated: boolean }

export function Output({ actionId, name, truncated }: Props): VNode {
  const { client } = useWorld()
  const attempt = useSignal(0)
  const view = useMemo(createOutputView, [attempt.value])
  const place = useRef<HTMLPreElement>(null)
  const state = useSignal<State>('reading')
  const refused = useSignal<Problem | null>(null)

  useEffect(() => {
    const leaving = new AbortController()
    refused.value = null
    void listen(client, actionId, leaving.signal, {
      chunk: view.add,
      trouble: (problem) => {
        state.value = problem === null ? 'reading' : 'trouble'
      },
      refused: (problem) => {
        refused.value = problem
      },
      end: () => {
        state.value = 'ended'
      },
    })
    return () => leaving.abort()
  }, [actionId, attempt.value])

  if (refused.value !== null) {
    const again = () => {
      attempt.value += 1
    }
    return html`<${ProblemBox} problem=${refused.value} again=${again} />`
  }
  /** Puts a line in the middle, or the last one at the end. */
  const show = (line: number | 'end') => {
    const element = place.current
    if (element === null) return
    const { tops } = view
    element.scrollTop =
      line === 'end' ? element.scrollHeight : (tops.peek()[line] ?? 0) - element.clientHeight / 2 + linePx
    view.following.value = isAtEnd(element)
  }
  return html`<div class="output">
    <div class="output-head">
      <${Standing} view=${view} state=${state} />
      <${OutputTools} view=${view} actionId=${actionId} name=${name} show=${show} />
    </div>
    <${Screen} view=${view} place=${place} state=${state} />
    <${JumpToEnd} view=${view} show=${show} />
    ${truncated && html`<p class="output-note">The output went over the limit and was cut.</p>`}
  </div>`
}

const stateWords: Record<State, string> = {
  reading: 'live',
  trouble: 'connection lost, trying again',
  ended: 'complete',
}

function Standing({ view, state }: { view: OutputView; state: Signal<State> }): VNode {
  return html`<span class="output-title">Output</span>
    <span class="output-state"><span role="status">${stateWords[state.value]}</span>, ${count(view.count.value, 'line')}</span>`
}

function JumpToEnd({ view, show }: { view: OutputView; show: (line: 'end') => void }): VNode | null {
  if (view.following.value) return null
  return html`<button type="button" class="output-jump" onClick=${() => show('end')}>Jump to the end</button>`
}

type ScreenProps = { view: OutputView; place: { current: HTMLPreElement | null }; state: Signal<State> }

function Screen({ view, place, state }: ScreenProps): VNode {
  const { lines, tops, top, columns, wrapped, following, query, current } = view
  /** Where it was scrolled to, in pixels and as a line. */
  const before = useRef({ px: 0, line: 0 })
  const onScroll = () => {
    const element = place.current
    if (element === null) return
    const { scrollTop: px } = element
    // Only a person scrolls up; lines that come in move the end away, not what is in sight.
    if (isAtEnd(element)) following.value = true
    else if (px < before.current.px) following.value = false
    const line = lineAt(tops.peek(), px)
    before.current = { px, line }
    top.value = Math.floor(line / 10) * 10
  }
  const settle = (line: number) => {
    const element = place.current
    if (element === null) return
    element.scrollTop = following.peek() ? element.scrollHeight : (tops.peek()[line] ?? 0)
    onScroll()
  }
  useLayoutEffect(() => {
    if (following.peek()) settle(0)
  }, [view.changes.value])
  // Other breaks of lines: what was looked at stays in sight, a match before all.
  useLayoutEffect(() => {
    const { line } = before.current
    const match = current.peek()
    settle(match >= line && match < line + drawn ? match : line)
  }, [columns.value])
  useEffect(() => {
    const resized = new ResizeObserver(([entry]) => {
      if (entry) columns.value = wrapped.peek() ? columnsOf(entry.target) : Number.POSITIVE_INFINITY
    })
    resized.observe(place.current as Element)
    return () => resized.disconnect()
  }, [wrapped.value])
  const from = Math.max(0, top.value - above)
  const [start = 0, end = 0] = [tops.value[from], tops.value.at(-1)]
  const marked = useComputed(() => query.value).value
  return html`<pre
    ref=${place}
    tabindex="0"
    role="region"
    aria-label="Output"
    onScroll=${onScroll}
    ><span class=${wrapped.value ? 'output-lines wrapped' : 'output-lines'} style=${{ height: `${end}px`, paddingTop: `${start}px` }}
      >${lines.slice(from, from + drawn + 2 * above).map(
        ({ stream, text }, at) =>
          html`<span
            key=${from + at}
            class=${stream}
            data-line=${from + at + 1}
            data-current=${from + at === current.value}
            ><${Pieces} text=${text} query=${marked} /></span
          >`,
      )}</span
    >${lines.length === 0 && html`<span class="output-empty">${state.value === 'ended' ? 'It printed nothing.' : 'Nothing printed yet.'}</span>`}</pre
  >`
}

/** How many characters fit beside each other; the ten that style/output.css keeps for numbers are taken off. */
function columnsOf(element: Element): number {
  const ten = Number.parseFloat(getComputedStyle(element).scrollPaddingLeft)
  return Math.max(1, Math.floor((10 * element.clientWidth) / ten) - 10)
}

const isAtEnd = ({ scrollTop, clientHeight, scrollHeight }: HTMLElement) =>
  scrollTop + clientHeight >= scrollHeight - 12

function Pieces({ text, query }: { text: string; query: string }): VNode {
  const rest = text.length - maxChars
  return html`${piecesOf(text.slice(0, maxChars), query).map((piece, at) => (at % 2 ? html`<mark key=${at}>${piece}</mark>` : piece))}${
    rest > 0 && html`<i>… ${count(rest, 'character')} more: download the output</i>`
  }`
}
