/** The checkbox that selects a row, and the keys that move between the checkboxes. Redrawn alone when its row is selected. */
import { useComputed } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useApp } from '../../app-context.ts'
import type { ListItem } from '../list-model.ts'
import type { Selection } from './selection.ts'

type ClickEvent = MouseEvent & { currentTarget: HTMLInputElement }

/** `order`: the names of the rows as they are shown. */
export function RowSelect({ name, order }: { name: string; order: () => readonly string[] }): VNode {
  const { selection } = useApp()
  const isSelected = useComputed(() => selection.names.value.has(name)).value
  const select = (event: ClickEvent) => {
    if (event.shiftKey) selection.extend(order(), name)
    else selection.toggle(name)
    // Draws the browser's own change again where the selection says otherwise.
    event.currentTarget.checked = selection.names.peek().has(name)
  }
  return html`<label class="row-select" onMouseDown=${keepText}>
    <input type="checkbox" aria-label=${`Select ${name}`} checked=${isSelected} onClick=${select} />
  </label>`
}

/** A click with Shift would select text. */
const keepText = (event: MouseEvent) => event.shiftKey && event.preventDefault()

/** On the checkbox of a row: the arrow keys move to the next one, and with Shift they select it too. */
export function onRowKey(event: KeyboardEvent, items: readonly ListItem[], selection: Selection): void {
  const { target, key, shiftKey, ctrlKey, metaKey, altKey } = event
  const step = { ArrowDown: 1, ArrowUp: -1 }[key]
  if (!(target instanceof HTMLInputElement) || target.type !== 'checkbox') return
  const row = target.closest<HTMLElement>('tr[data-name]')
  if (row === null || altKey) return
  if (key.toLowerCase() === 'a' && (ctrlKey || metaKey)) {
    event.preventDefault()
    selection.selectAll(items.map(({ name }) => name))
  }
  if (step === undefined || ctrlKey || metaKey) return
  event.preventDefault()
  const next = items[items.findIndex(({ name }) => name === row.dataset.name) + step]
  if (next === undefined) return
  if (shiftKey) {
    const from = row.dataset.name ?? ''
    if (!selection.names.peek().has(from)) selection.toggle(from)
    selection.extend(
      items.map(({ name }) => name),
      next.name,
    )
  }
  focusRow(row, next.name)
}

/** A row far from the viewport is not drawn: the one that has the focus is shown first, and its neighbours with it. */
function focusRow(from: HTMLElement, name: string, isRetry = false): void {
  const input = from.parentElement?.querySelector<HTMLInputElement>(
    `tr[data-name="${name}"] .row-select input`,
  )
  if (input || isRetry) {
    input?.focus()
    return
  }
  from.scrollIntoView({ block: 'center' })
  requestAnimationFrame(() => requestAnimationFrame(() => focusRow(from, name, true)))
}
