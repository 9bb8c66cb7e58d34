/** What stands above an output: search with its hits, and the whole of it as a file. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { toApiError } from '../api/errors.ts'
import { useApp } from '../app-context.ts'
import { Icon } from '../ui/icon.ts'
import { downloadOutput } from './download.ts'
import type { LogModel } from './log-model.ts'
import { nextMatch } from './search.ts'

type Props = { view: LogModel; actionId: number; name: string; show(line: number): void }

export function LogToolbar({ view, actionId, name, show }: Props): VNode {
  const { client, toasts } = useApp()
  const downloading = useSignal(false)
  const { query, matches, currentMatch, wrapped } = view
  const goToMatch = (direction: 1 | -1, from = currentMatch.peek()) => {
    currentMatch.value = nextMatch(matches.peek(), from, direction)
    if (currentMatch.peek() >= 0) show(currentMatch.peek())
  }
  const download = async () => {
    if (downloading.peek()) return
    downloading.value = true
    await downloadOutput(client, actionId, `${name}-${actionId}.log`).catch((error) =>
      toasts.showError(toApiError(error)),
    )
    downloading.value = false
  }
  return html`<div class="output-tools">
    <input
      type="search"
      aria-label="Search in the output"
      placeholder="Search"
      autocomplete="off"
      spellcheck=${false}
      value=${query.value}
      onInput=${(event: { currentTarget: HTMLInputElement }) => {
        query.value = event.currentTarget.value
        goToMatch(1, view.firstVisibleLine.peek() - 1)
      }}
      onKeyDown=${(event: KeyboardEvent) => {
        if (event.key === 'Enter') goToMatch(event.shiftKey ? -1 : 1)
      }}
    />
    <${MatchCount} view=${view} />
    <button type="button" class="icon-button" aria-label="Previous match" title="Previous match (Shift + Enter)" onClick=${() => goToMatch(-1)}>
      <${Icon} name="up" />
    </button>
    <button type="button" class="icon-button" aria-label="Next match" title="Next match (Enter)" onClick=${() => goToMatch(1)}>
      <${Icon} name="down" />
    </button>
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

function MatchCount({ view: { query, matches, currentMatch } }: { view: LogModel }): VNode {
  const found = matches.value.length
  const at = matches.value.indexOf(currentMatch.value) + 1
  const words = found === 0 ? 'no match' : `${at.toLocaleString()} of ${found.toLocaleString()}`
  return html`<span class="output-state" role="status">${query.value !== '' && words}</span>`
}
