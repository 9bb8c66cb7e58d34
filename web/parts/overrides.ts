/** Overrides as a row of small labels: the first few, the rest behind a button. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { Override } from '../../domain/overrides.ts'
import { Marked } from './marked.ts'

const first = 3

type Props = { overrides: readonly Override[]; words?: readonly string[] }

export function Overrides({ overrides, words = [] }: Props): VNode | null {
  const open = useSignal(false)
  if (overrides.length === 0) return null
  // What was searched for must be seen, wherever it stands.
  const found = words.length > 0 ? overrides.filter((override) => isFound(override, words)) : []
  const ordered = found.length > 0 ? [...new Set([...found, ...overrides])] : overrides
  const shown = open.value ? ordered : ordered.slice(0, first)
  const rest = overrides.length - shown.length
  return html`<ul class="overrides">
    ${shown.map((override) => html`<li key=${override[0]}><${Label} override=${override} words=${words} /></li>`)}
    ${
      (rest > 0 || open.value) &&
      overrides.length > first &&
      html`<li key="">
        <button
          type="button"
          class="quiet small"
          aria-expanded=${open.value}
          onClick=${() => {
            open.value = !open.value
          }}
        >
          ${open.value ? 'show fewer' : `${rest} more`}
        </button>
      </li>`
    }
  </ul>`
}

function Label({ override: [key, value], words }: { override: Override; words: readonly string[] }): VNode {
  const gone = value.tag === 'ValueDeleted'
  const text = gone ? '' : value.contents
  return html`<span class=${gone ? 'override gone' : 'override'} title=${gone ? `${key} is removed` : `${key} = ${text}`}>
    <span class="override-key"><${Marked} text=${key} words=${words} /></span>
    ${gone ? html`<span class="hidden"> removed</span>` : html`<span class="override-value"><${Marked} text=${text} words=${words} /></span>`}
  </span>`
}

function isFound([key, value]: Override, words: readonly string[]): boolean {
  const text = `${key}=${value.tag === 'ValueAdded' ? value.contents : ''}`.toLowerCase()
  return words.some((word) => text.includes(word))
}
