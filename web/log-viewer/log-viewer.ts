/**
 * The live output of one action, for those who may read it. Loaded when the first output is opened. Its state is in
 * log-model.ts, its lines are drawn by log-screen.ts.
 */
import { type Signal, useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import type { ApiError } from '../../client/errors.ts'
import { useApp } from '../app-context.ts'
import { pluralize } from '../format.ts'
import { outputQuery } from '../routes.ts'
import { ErrorBox } from '../ui/error-box.ts'
import { makeRestInert } from './full-screen.ts'
import { type LineRange, lineHash, parseLineHash } from './lines/line-link.ts'
import { rowOfLine } from './lines/rows.ts'
import { createLogModel, type LogModel, lineHeightPx } from './log-model.ts'
import { isAtEnd, LogScreen, type StreamState } from './log-screen.ts'
import { LogToolbar } from './log-toolbar.ts'
import { followOutput } from './stream.ts'

type Props = {
  actionId: number
  deploymentName: string
  truncated: boolean
  /** More lines are expected, and room for some is kept free. */
  isRunning?: boolean
}

export function LogViewer({ actionId, deploymentName, truncated, isRunning = false }: Props): VNode {
  const { client, router } = useApp()
  const attempt = useSignal(0)
  const model = useMemo(createLogModel, [attempt.value])
  const viewerRef = useRef<HTMLDivElement>(null)
  const screenRef = useRef<HTMLPreElement>(null)
  const state = useSignal<StreamState>('streaming')
  const rejection = useSignal<ApiError | null>(null)
  const removalReason = useSignal<string | null>(null)
  const isFullScreen = useSignal(false)

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

  /** Scrolls a line to the middle, or to the end. */
  const scrollToLine = (line: number | 'end') => {
    if (line !== 'end') model.reveal(line)
    const element = screenRef.current
    if (element === null) return
    const { offsets, rows } = model
    // The rows of an opened section are drawn later, and their height is needed now.
    const content = element.firstElementChild
    if (content instanceof HTMLElement) content.style.height = `${offsets.peek().at(-1) ?? 0}px`
    element.scrollTop =
      line === 'end'
        ? element.scrollHeight
        : (offsets.peek()[rowOfLine(rows.peek(), line)] ?? 0) - element.clientHeight / 2 + lineHeightPx
    model.followsEnd.value = isAtEnd(element)
  }
  const select = (range: LineRange | null) => {
    model.selection.value = range
    if (range !== null) model.followsEnd.value = false
    router.replaceSearch(outputQuery(actionId) + (range === null ? '' : lineHash(range)))
  }
  useLinkedLines({ model, actionId, scrollToLine, viewerRef })
  useLayoutEffect(() => {
    if (!isFullScreen.value || viewerRef.current === null) return
    const [end, element] = [makeRestInert(viewerRef.current), viewerRef.current]
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && !event.defaultPrevented && element.querySelector('[role=menu]') === null)
        isFullScreen.value = false
    }
    document.addEventListener('keydown', onKeyDown)
    return () => {
      end()
      document.removeEventListener('keydown', onKeyDown)
    }
  }, [isFullScreen.value])

  if (rejection.value !== null) {
    const retry = () => {
      attempt.value += 1
    }
    return html`<${ErrorBox} error=${rejection.value} onRetry=${retry} />`
  }
  return html`<div class=${isFullScreen.value ? 'log-viewer full-screen' : 'log-viewer'} data-running=${isRunning && state.value !== 'complete'} ref=${viewerRef}>
    <div class="log-header">
      <${LogStatus} model=${model} state=${state} />
      <${LogToolbar} model=${model} actionId=${actionId} deploymentName=${deploymentName} isFullScreen=${isFullScreen} goToLine=${scrollToLine} />
    </div>
    <${LogScreen} model=${model} screenRef=${screenRef} state=${state} goToLine=${scrollToLine} onSelect=${select} />
    <${JumpToEnd} model=${model} onClick=${() => scrollToLine('end')} />
    ${removalReason.value !== null && html`<p class="log-note">${removalReason.value}</p>`}
    ${truncated && html`<p class="log-note">The output exceeded the size limit and was truncated.</p>`}
  </div>`
}

type LinkedLines = {
  model: LogModel
  actionId: number
  scrollToLine(line: number): void
  viewerRef: { current: HTMLElement | null }
}

/** The address may name lines of this output: they are selected and shown as soon as they have arrived. */
function useLinkedLines({ model, actionId, scrollToLine, viewerRef }: LinkedLines): void {
  const isPending = useRef(false)
  const readAddress = () => {
    const range = parseLineHash(location.hash)
    if (range === null || Number(new URLSearchParams(location.search).get('output')) !== actionId) return
    model.selection.value = range
    model.followsEnd.value = false
    isPending.current = true
  }
  useLayoutEffect(() => {
    readAddress()
    if (isPending.current) viewerRef.current?.scrollIntoView({ block: 'nearest' })
    const onHashChange = () => {
      readAddress()
      showLines()
    }
    window.addEventListener('hashchange', onHashChange)
    return () => window.removeEventListener('hashchange', onHashChange)
  }, [model])
  const showLines = () => {
    const { from = 0 } = model.selection.peek() ?? {}
    if (!isPending.current || from >= model.count.peek()) return
    isPending.current = false
    scrollToLine(from)
  }
  useLayoutEffect(showLines, [model.version.value])
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
  if (model.followsEnd.value || model.isEndVisible.value) return null
  return html`<button type="button" class="log-jump-to-end" onClick=${onClick}>Jump to the end</button>`
}
