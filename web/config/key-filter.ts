/** The field that filters the keys of a config level, in the form and on the page of a deployment. */
import type { Signal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { isSecretReference } from '../../domain/secrets/secret-reference.ts'
import type { ConfigRow } from './config-edits.ts'

/** The filter is shown above this number of keys. */
export const filterAboveKeys = 12

type Props = { filter: Signal<string>; count: number; title: string }

export function KeyFilter({ filter, count, title }: Props): VNode {
  return html`<input
    type="search"
    class="filter"
    aria-label=${`Filter keys, ${title.toLowerCase()}`}
    placeholder=${`Filter ${count.toLocaleString()} keys`}
    autocomplete="off"
    spellcheck=${false}
    value=${filter.value}
    onInput=${(event: { currentTarget: HTMLInputElement }) => {
      filter.value = event.currentTarget.value
    }}
    onKeyDown=${(event: KeyboardEvent) => {
      if (event.key === 'Enter') event.preventDefault()
    }}
  />`
}

/** True when the text contains every word of the filter. */
export function matchesFilter(text: string, filter: string): boolean {
  const lowerCase = text.toLowerCase()
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => lowerCase.includes(word))
}

/** The key and, unless it is secret, the value. */
export const matchesRow = ({ key, value }: ConfigRow, filter: string): boolean =>
  matchesFilter(value === null || isSecretReference(value) ? key : `${key} ${value}`, filter.trim())
