/** The toolbar of an output: search with match navigation, times, wrap switch, download. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { toApiError } from '../../client/errors.ts'
import { useApp } from '../app-context.ts'
import { Icon } from '../ui/icon.ts'
import { downloadOutput } from './download.ts'
import { type LogModel, setTimeFormat } from './log-model.ts'
import { nextMatch } from './search.ts'
import { type TimeFormat, timeFormatLabels, timeFormats } from './times.ts'

type Props = { model: LogModel; actionId: number; deploymentName: string; scrollToLine(line: number): void }

export function LogToolbar({ model, actionId, deploymentName, scrollToLine }: Props): VNode {
  const { client, toasts } = useApp()
  const downloading = useSignal(false)
  const { query, matches, currentMatch, wrapped, times } = model
  const goToMatch = (direction: 1 | -1, from = currentMatch.peek()) => {
    currentMatch.value = nextMatch(matches.peek(), from, direction)
    if (currentMatch.peek() >= 0) scrollToLine(currentMatch.peek())
  }
  const download = async () => {
    if (downloading.peek()) return
    downloading.value = true
    await downloadOutput(client, actionId, `${deploymentName}-${actionId}.log`).catch((error) =>
      toasts.showError(toApiError(error)),
    )
    downloading.value = false
  }
  return html`<div class="log-toolbar">
    <input
      type="search"
      aria-label="Search in the output"
      placeholder="Search"
      autocomplete="off"
      spellcheck=${false}
      value=${query.value}
      onInput=${(event: { currentTarget: HTMLInputElement }) => {
        query.value = event.currentTarget.value
        goToMatch(1, model.firstVisibleLine.peek() - 1)
      }}
      onKeyDown=${(event: KeyboardEvent) => {
        if (event.key === 'Enter') goToMatch(event.shiftKey ? -1 : 1)
      }}
    />
    <${MatchCount} model=${model} />
    <button type="button" class="icon-button" aria-label="Previous match" title="Previous match (Shift + Enter)" onClick=${() => goToMatch(-1)}>
      <${Icon} name="up" />
    </button>
    <button type="button" class="icon-button" aria-label="Next match" title="Next match (Enter)" onClick=${() => goToMatch(1)}>
      <${Icon} name="down" />
    </button>
    <select
      aria-label="Times"
      value=${times.value}
      onChange=${(event: { currentTarget: HTMLSelectElement }) => setTimeFormat(model, event.currentTarget.value as TimeFormat)}
    >
      ${timeFormats.map((format) => html`<option key=${format} value=${format}>${timeFormatLabels[format]}</option>`)}
    </select>
    <button
      type="button"
      class="small"
      aria-pressed=${wrapped.value}
      onClick=${() => {
        wrapped.value = !wrapped.value
      }}
    >
      Wrap
    </button>
    <button type="button" class="small" aria-disabled=${downloading.value} onClick=${download}>${downloading.value ? 'Downloading…' : 'Download'}</button>
  </div>`
}

function MatchCount({ model: { query, matches, currentMatch } }: { model: LogModel }): VNode {
  const total = matches.value.length
  const position = matches.value.indexOf(currentMatch.value) + 1
  const label = total === 0 ? 'no match' : `${position.toLocaleString()} of ${total.toLocaleString()}`
  return html`<span class="log-status" role="status">${query.value !== '' && label}</span>`
}
