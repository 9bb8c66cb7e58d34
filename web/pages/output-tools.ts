/** What stands above an output: search with its hits, and the whole of it as a file. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { saveOutput } from '../output-file.ts'
import { nextHit } from '../output-find.ts'
import { Icon } from '../parts/icon.ts'
import { problemOfError } from '../problem.ts'
import { useWorld } from '../world.ts'
import type { OutputView } from './output-view.ts'

type Props = { view: OutputView; actionId: number; name: string; show(line: number): void }

export function OutputTools({ view, actionId, name, show }: Props): VNode {
  const { client, notices } = useWorld()
  const saving = useSignal(false)
  const { query, hits, current, wrapped } = view
  const go = (way: 1 | -1, from = current.peek()) => {
    current.value = nextHit(hits.peek(), from, way)
    if (current.peek() >= 0) show(current.peek())
  }
  const save = async () => {
    if (saving.peek()) return
    saving.value = true
    await saveOutput(client, actionId, `${name}-${actionId}.log`).catch((error) =>
      notices.complain(problemOfError(error)),
    )
    saving.value = false
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
        go(1, view.top.peek() - 1)
      }}
      onKeyDown=${(event: KeyboardEvent) => {
        if (event.key === 'Enter') go(event.shiftKey ? -1 : 1)
      }}
    />
    <${Hits} view=${view} />
    <button type="button" class="icon-button" aria-label="Previous match" title="Previous match (Shift + Enter)" onClick=${() => go(-1)}>
      <${Icon} name="up" />
    </button>
    <button type="button" class="icon-button" aria-label="Next match" title="Next match (Enter)" onClick=${() => go(1)}>
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
    <button type="button" class="small" aria-disabled=${saving.value} onClick=${save}>${saving.value ? 'Downloading…' : 'Download'}</button>
  </div>`
}

function Hits({ view: { query, hits, current } }: { view: OutputView }): VNode {
  const found = hits.value.length
  const at = hits.value.indexOf(current.value) + 1
  const words = found === 0 ? 'no match' : `${at.toLocaleString()} of ${found.toLocaleString()}`
  return html`<span class="output-state" role="status">${query.value !== '' && words}</span>`
}
