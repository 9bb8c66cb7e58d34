/** The lines that the running app logs, as they come. Its state is in app-log-model.ts. Loaded by app-logs-part.ts. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import { type AppLogEvent, streamAppLogs } from '../../client/app-log-stream.ts'
import { type ApiError, isClientError, toApiError } from '../../client/errors.ts'
import { type AppLogEvents, defaultAppLogTail } from '../../domain/output/app-log-events.ts'
import { useApp } from '../app-context.ts'
import { pluralize } from '../format.ts'
import { ErrorBox } from '../ui/error-box.ts'
import { type AppLogModel, createAppLogModel, maxShownLines } from './app-log-model.ts'

/** `ended`: the script has ended; nothing more comes. */
type StreamState = 'starting' | 'live' | 'reconnecting' | 'ended'

const stateLabels: Record<StreamState, string> = {
  starting: 'starting',
  live: 'live',
  reconnecting: 'interrupted, connecting again',
  ended: 'ended',
}

export function AppLogViewer({ name }: { name: string }): VNode {
  const { client } = useApp()
  const attempt = useSignal(0)
  const model = useMemo(createAppLogModel, [attempt.value])
  const state = useSignal<StreamState>('starting')
  const message = useSignal<string | null>(null)
  const rejection = useSignal<ApiError | null>(null)
  useEffect(() => {
    const unmount = new AbortController()
    rejection.value = null
    message.value = null
    state.value = 'starting'
    const interrupt = (reason: string) => {
      state.value = 'reconnecting'
      message.value = reason
    }
    const show = ({ event, data }: AppLogEvent) => {
      if (event === 'line') model.addLine(data.text)
      else if (event === 'dropped') model.addNote(missingNote(data))
      else if (event === 'state' && data.state === 'running') {
        state.value = 'live'
        if (!data.resumed) model.addNote('The lines begin here again.')
      }
    }
    const follow = async () => {
      const events = streamAppLogs(client, name, {
        tail: defaultAppLogTail,
        follow: true,
        signal: unmount.signal,
        mayRecover: (error) => !isClientError(error),
        onConnection: (error) => {
          if (error !== null) interrupt(error.message)
          else message.value = null
        },
        onReconnect: (end) => interrupt(end.message),
      })
      for (;;) {
        const { value, done } = await events.next()
        if (!done) show(value)
        else if (value === null) return
        else {
          state.value = 'ended'
          message.value = value.reason === 'finished' ? null : value.message
          return
        }
      }
    }
    follow().catch((error: unknown) => {
      rejection.value = toApiError(error)
    })
    return () => {
      unmount.abort()
      model.close()
    }
  }, [name, attempt.value])
  const retry = () => {
    attempt.value += 1
  }
  if (rejection.value !== null) return html`<${ErrorBox} error=${rejection.value} onRetry=${retry} />`
  return html`<div class="log-viewer app-log-viewer">
    <div class="log-header">
      <span class="log-status"><span role="status">${stateLabels[state.value]}</span>, ${pluralize(model.shown.value.length, 'line')}</span>
      <${Toolbar} model=${model} />
    </div>
    <${Lines} model=${model} isEnded=${state.value === 'ended'} />
    ${message.value !== null && html`<p class="log-note" role="status">${message.value}</p>`}
    ${state.value === 'ended' && html`<p class="log-note"><button type="button" class="small" onClick=${retry}>Read again</button></p>`}
  </div>`
}

const missingNote = ({ lines, reason }: AppLogEvents['dropped']): string =>
  `${pluralize(lines, 'line')} missing: ${reason === 'rate_limit' ? 'the app logs too fast' : 'they could not be shown in time'}.`

function Toolbar({ model }: { model: AppLogModel }): VNode {
  const { paused, wrapped, waiting } = model
  const copied = useSignal<'' | 'Copied' | 'Copying failed'>('')
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(model.text())
      copied.value = 'Copied'
    } catch {
      // Without https there is no clipboard.
      copied.value = 'Copying failed'
    }
  }
  const toggleWrap = () => {
    wrapped.value = !wrapped.value
  }
  const pauseLabel = paused.value && waiting.value > 0 ? `Pause (${waiting.value} new)` : 'Pause'
  return html`<div class="log-toolbar">
    <span class="log-status" role="status">${copied.value}</span>
    <button type="button" class="small" aria-pressed=${paused.value} onClick=${model.togglePause}>${pauseLabel}</button>
    <button type="button" class="small" aria-pressed=${wrapped.value} onClick=${toggleWrap}>Wrap</button>
    <button type="button" class="small" onClick=${copy}>Copy</button>
  </div>`
}

/** Follows the end unless somebody has scrolled up. */
function Lines({ model, isEnded }: { model: AppLogModel; isEnded: boolean }): VNode {
  const screen = useRef<HTMLPreElement>(null)
  const followsEnd = useRef(true)
  const lines = model.shown.value
  const onScroll = () => {
    const element = screen.current
    if (element !== null)
      followsEnd.current = element.scrollTop + element.clientHeight >= element.scrollHeight - 12
  }
  useLayoutEffect(() => {
    if (followsEnd.current && screen.current !== null) screen.current.scrollTop = screen.current.scrollHeight
  }, [lines, model.wrapped.value])
  // The lines come too fast to be read aloud; they can be read one by one.
  return html`<pre ref=${screen} tabindex="0" role="log" aria-live="off" aria-label=${`App logs, the last ${maxShownLines} lines at most`} onScroll=${onScroll}
    ><span class=${model.wrapped.value ? 'log-lines wrapped' : 'log-lines'}>${lines.map(
      ({ number, text, isNote }) =>
        html`<span key=${number} class=${isNote ? 'app-log-note' : ''}>${text === '' ? ' ' : text}</span>`,
    )}</span>${lines.length === 0 && html`<span class="log-empty">${isEnded ? 'No lines.' : 'No lines yet.'}</span>`}</pre
  >`
}
