/** The toolbar of an output: search, errors, times, wrap, full screen, and a menu with the rest. */
import { type Signal, useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { pluralize } from '../format.ts'
import { Icon, type IconName } from '../ui/icon.ts'
import { nextMatch } from './lines/search.ts'
import { type TimeFormat, timeFormatLabels, timeFormats } from './lines/times.ts'
import { LogMenu } from './log-menu.ts'
import { type LogModel, setTimeFormat } from './log-model.ts'

type Props = {
  model: LogModel
  actionId: number
  deploymentName: string
  isFullScreen: Signal<boolean>
  goToLine(line: number): void
}

export function LogToolbar({ model, actionId, deploymentName, isFullScreen, goToLine }: Props): VNode {
  const { query, matches, currentLine, wrapped, times } = model
  const goToMatch = (direction: 1 | -1, from = currentLine.peek()) => {
    currentLine.value = nextMatch(matches.peek(), from, direction)
    if (currentLine.peek() >= 0) goToLine(currentLine.peek())
  }
  const firstVisibleLine = () => model.rows.peek().lines[model.firstVisibleRow.peek()] ?? 0
  return html`<div class="log-toolbar">
    <${ErrorJumps} model=${model} goToLine=${goToLine} />
    <input
      type="search"
      aria-label="Search in the output"
      placeholder="Search"
      autocomplete="off"
      spellcheck=${false}
      value=${query.value}
      onInput=${(event: { currentTarget: HTMLInputElement }) => {
        query.value = event.currentTarget.value
        goToMatch(1, firstVisibleLine() - 1)
      }}
      onKeyDown=${(event: KeyboardEvent) => {
        if (event.key === 'Enter') goToMatch(event.shiftKey ? -1 : 1)
      }}
    />
    <${MatchCount} model=${model} />
    <${IconButton} icon="up" label="Previous match" keys="Shift + Enter" onClick=${() => goToMatch(-1)} />
    <${IconButton} icon="down" label="Next match" keys="Enter" onClick=${() => goToMatch(1)} />
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
    <${IconButton}
      icon=${isFullScreen.value ? 'close' : 'expand'}
      label=${isFullScreen.value ? 'Leave full screen' : 'Full screen'}
      keys=${isFullScreen.value ? 'Esc' : undefined}
      onClick=${() => {
        isFullScreen.value = !isFullScreen.value
      }}
    />
    <${LogMenu} model=${model} actionId=${actionId} deploymentName=${deploymentName} />
  </div>`
}

type IconButtonProps = { icon: IconName; label: string; keys?: string | undefined; onClick: () => void }

const IconButton = ({ icon, label, keys, onClick }: IconButtonProps): VNode =>
  html`<button type="button" class="icon-button" aria-label=${label} title=${keys === undefined ? label : `${label} (${keys})`} onClick=${onClick}>
    <${Icon} name=${icon} />
  </button>`

/** Goes to the next (1) or previous (-1) block of errors. Also called for the keys of the screen. */
export function nextError(
  { errors, currentLine, rows, firstVisibleRow }: LogModel,
  direction: 1 | -1,
): number {
  const current = currentLine.peek()
  const from = current >= 0 ? current : (rows.peek().lines[firstVisibleRow.peek()] ?? 0) - 1
  return nextMatch(errors.peek(), from, direction)
}

/** Nothing without errors. */
function ErrorJumps({ model, goToLine }: Pick<Props, 'model' | 'goToLine'>): VNode | null {
  const total = model.errors.value.length
  const announced = useSignal('')
  if (total === 0) return null
  const goToError = (direction: 1 | -1) => {
    const line = nextError(model, direction)
    model.currentLine.value = line
    announced.value = `Line ${line + 1}: ${model.textOf({ from: line, to: line }).slice(0, 200)}`
    goToLine(line)
  }
  const position = model.errors.value.indexOf(model.currentLine.value) + 1
  return html`<span class="log-errors">
    <span>${position > 0 ? `${position} of ` : ''}${pluralize(total, 'error')}</span>
    <span class="visually-hidden" role="status">${announced.value}</span>
    <${IconButton} icon="up" label="Previous error" keys="Alt + ↑" onClick=${() => goToError(-1)} />
    <${IconButton} icon="down" label="Next error" keys="Alt + ↓" onClick=${() => goToError(1)} />
  </span>`
}

function MatchCount({ model: { query, matches, currentLine } }: { model: LogModel }): VNode {
  const total = matches.value.length
  const position = matches.value.indexOf(currentLine.value) + 1
  const label = total === 0 ? 'no match' : `${position.toLocaleString()} of ${total.toLocaleString()}`
  return html`<span class="log-status" role="status">${query.value !== '' && label}</span>`
}
