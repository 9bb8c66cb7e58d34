/**
 * The live output of one action, for admins. Only the visible lines are drawn. Its state is in log-model.ts.
 */
import { type Signal, useComputed, useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import type { ApiError } from '../../client/errors.ts'
import { useApp } from '../app-context.ts'
import { pluralize } from '../format.ts'
import { ErrorBox } from '../ui/error-box.ts'
import { lineAt } from '../ui/virtual-range.ts'
import { LineText } from './line-text.ts'
import { createLogModel, type LogModel, lineHeightPx } from './log-model.ts'
import { LogToolbar } from './log-toolbar.ts'
import { followOutput } from './stream.ts'
import { formatLineTime } from './times.ts'

/** More lines than fit on a screen, plus some above and below. */
const visibleLines = 40
const overscanLines = 20

type StreamState = 'streaming' | 'reconnecting' | 'complete'
type Props = { actionId: number; deploymentName: string; truncated: boolean }

export function LogViewer({ actionId, deploymentName, truncated }: Props): VNode {
  const { client } = useApp()
  const attempt = useSignal(0)
  const model = useMemo(createLogModel, [attempt.value])
  const screenRef = useRef<HTMLPreElement>(null)
  const state = useSignal<StreamState>('streaming')
  const rejection = useSignal<ApiError | null>(null)
  const removalReason = useSignal<string | null>(null)

  useEffect(() => {
    const unmount = new AbortController()
    rejection.value = null
    void followOutput(client, actionId, unmount.signal, {
      chunk: model.add,
      connectionError: (error) => {
        state.value = error === null ? 'streaming' : 'reconnecting'
      },
      rejected: (error) => {
        rejection.value = error
      },
      end: (reason) => {
        state.value = 'complete'
        removalReason.value = reason
      },
    })
    return () => unmount.abort()
  }, [actionId, attempt.value])

  if (rejection.value !== null) {
    const retry = () => {
      attempt.value += 1
    }
    return html`<${ErrorBox} error=${rejection.value} onRetry=${retry} />`
  }
  /** Scrolls a line to the middle, or to the end. */
  const scrollToLine = (line: number | 'end') => {
    const element = screenRef.current
    if (element === null) return
    const { offsets } = model
    element.scrollTop =
      line === 'end'
        ? element.scrollHeight
        : (offsets.peek()[line] ?? 0) - element.clientHeight / 2 + lineHeightPx
    model.followsEnd.value = isAtEnd(element)
  }
  return html`<div class="log-viewer">
    <div class="log-header">
      <${LogStatus} model=${model} state=${state} />
      <${LogToolbar} model=${model} actionId=${actionId} deploymentName=${deploymentName} scrollToLine=${scrollToLine} />
    </div>
    <${LogScreen} model=${model} screenRef=${screenRef} state=${state} />
    <${JumpToEnd} model=${model} onClick=${() => scrollToLine('end')} />
    ${removalReason.value !== null && html`<p class="log-note">${removalReason.value}</p>`}
    ${truncated && html`<p class="log-note">The output exceeded the size limit and was truncated.</p>`}
  </div>`
}

const stateLabels: Record<StreamState, string> = {
  streaming: 'live',
  reconnecting: 'connection lost, reconnecting',
  complete: 'complete',
}

function LogStatus({ model, state }: { model: LogModel; state: Signal<StreamState> }): VNode {
  return html`<span class="log-title">Output</span>
    <span class="log-status"><span role="status">${stateLabels[state.value]}</span>, ${pluralize(model.count.value, 'line')}</span>`
}

function JumpToEnd({ model, onClick }: { model: LogModel; onClick: () => void }): VNode | null {
  if (model.followsEnd.value) return null
  return html`<button type="button" class="log-jump-to-end" onClick=${onClick}>Jump to the end</button>`
}

type LogScreenProps = {
  model: LogModel
  screenRef: { current: HTMLPreElement | null }
  state: Signal<StreamState>
}

function LogScreen({ model, screenRef, state }: LogScreenProps): VNode {
  const { lines, offsets, firstVisibleLine, columns, wrapped, followsEnd, query, currentMatch, times } = model
  /** The last scroll position, in px and as a line. */
  const scrollPosition = useRef({ px: 0, line: 0 })
  const onScroll = () => {
    const element = screenRef.current
    if (element === null) return
    const { scrollTop: px } = element
    // Only the user scrolls up. New lines move the end, not the visible lines.
    if (isAtEnd(element)) followsEnd.value = true
    else if (px < scrollPosition.current.px) followsEnd.value = false
    const line = lineAt(offsets.peek(), px)
    scrollPosition.current = { px, line }
    firstVisibleLine.value = Math.floor(line / 10) * 10
  }
  const restoreScroll = (line: number) => {
    const element = screenRef.current
    if (element === null) return
    element.scrollTop = followsEnd.peek() ? element.scrollHeight : (offsets.peek()[line] ?? 0)
    onScroll()
  }
  useLayoutEffect(() => {
    if (followsEnd.peek()) restoreScroll(0)
  }, [model.version.value])
  // After a change of line wrapping the visible lines stay visible; a match has priority.
  useLayoutEffect(() => {
    const { line } = scrollPosition.current
    const match = currentMatch.peek()
    restoreScroll(match >= line && match < line + visibleLines ? match : line)
  }, [columns.value, times.value])
  useEffect(() => {
    const resized = new ResizeObserver(([entry]) => {
      if (entry) columns.value = wrapped.peek() ? fittingColumns(entry.target) : Number.POSITIVE_INFINITY
    })
    resized.observe(screenRef.current as Element)
    return () => resized.disconnect()
  }, [wrapped.value])
  const from = Math.max(0, firstVisibleLine.value - overscanLines)
  const [start = 0, end = 0] = [offsets.value[from], offsets.value.at(-1)]
  const highlighted = useComputed(() => query.value).value
  return html`<pre
    ref=${screenRef}
    tabindex="0"
    role="region"
    aria-label="Output"
    onScroll=${onScroll}
    ><span class=${wrapped.value ? 'log-lines wrapped' : 'log-lines'} style=${{ height: `${end}px`, paddingTop: `${start}px` }}
      >${lines.slice(from, from + visibleLines + 2 * overscanLines).map(
        ({ stream, text, runs, at }, index) =>
          html`<span
            key=${from + index}
            class=${stream}
            data-line=${from + index + 1}
            data-current=${from + index === currentMatch.value}
            >${times.value !== 'none' && html`<time dateTime=${at}>${formatLineTime(at, lines[0]?.at ?? at, times.value)} </time>`}<${LineText} text=${text} runs=${runs} query=${highlighted} /></span
          >`,
      )}</span
    >${lines.length === 0 && html`<span class="log-empty">${state.value === 'complete' ? 'No output.' : 'No output yet.'}</span>`}</pre
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

const isAtEnd = ({ scrollTop, clientHeight, scrollHeight }: HTMLElement) =>
  scrollTop + clientHeight >= scrollHeight - 12
