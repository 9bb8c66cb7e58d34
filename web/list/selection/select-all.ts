/** Selects all deployments that the view shows, drawn or not: in the header of the table, and above the cards of narrow screens. */
import { type ReadonlySignal, useComputed } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { bulkRights } from '../../../domain/changes/bulk-operations.ts'
import { useApp } from '../../app-context.ts'
import { pluralize } from '../../format.ts'
import type { ListState } from '../list-model.ts'

/** False for people who may change nothing in any deployment. */
export function useMaySelect(): boolean {
  const { identity } = useApp()
  return useComputed(() => bulkRights.some((right) => identity.refusal(right) === null)).value
}

type Props = { state: ReadonlySignal<ListState>; text?: string }

export function SelectAll({ state, text }: Props): VNode {
  const { selection } = useApp()
  const inputRef = useRef<HTMLInputElement>(null)
  const { total, selected } = useComputed(() => countSelected(state.value, selection.names.value)).value
  useEffect(() => {
    // No attribute of HTML.
    if (inputRef.current !== null) inputRef.current.indeterminate = selected > 0 && selected < total
  })
  const isAll = selected === total && total > 0
  const label = `Select all: ${pluralize(total, 'deployment')}${state.value.filtered ? ' found' : ''}`
  const toggle = (event: { currentTarget: HTMLInputElement }) => {
    const names = state.peek().items.map(({ name }) => name)
    if (isAll) selection.remove(names)
    else selection.selectAll(names)
    event.currentTarget.checked = !isAll
  }
  return html`<label class="select-all" title=${label}>
    <input ref=${inputRef} type="checkbox" aria-label=${label} checked=${isAll} onClick=${toggle} />
    ${text !== undefined && html`<span>${text}</span>`}
  </label>`
}

/** `hidden`: selected, but not among the shown rows. */
export function countSelected({ items }: ListState, names: ReadonlySet<string>) {
  let [total, selected] = [0, 0]
  for (const { name, deleted } of items) {
    if (deleted) continue
    total += 1
    if (names.has(name)) selected += 1
  }
  return { total, selected, hidden: names.size - selected }
}
