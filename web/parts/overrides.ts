/** The overrides of one level as a row of small labels: those that were searched for and the first few, the rest behind a button. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { Override } from '../../domain/overrides.ts'
import { type Span, textOf } from '../search.ts'
import { Marked } from './marked.ts'

const first = 3
/** So much of a value is shown; around what was found. */
const longest = 80
const before = 20

/** `opened`: the levels that are shown whole; kept by whoever draws, so that they stay so when this is drawn anew. */
type Props = {
  level: string
  opened: Set<string>
  overrides: readonly Override[]
  marked: (text: string) => Span[]
}

export function Overrides({ level, opened, overrides, marked }: Props): VNode | null {
  const open = useSignal(opened.has(level))
  if (overrides.length === 0) return null
  const labels = overrides.map((override) => ({ override, spans: marked(textOf(override)) }))
  // What was searched for must be seen, wherever it stands.
  const found = labels.filter(({ spans }) => spans.length > 0)
  const ordered = [...new Set([...found, ...labels])]
  const shown = open.value ? ordered : ordered.slice(0, Math.max(first, found.length))
  const rest = labels.length - shown.length
  const toggle = () => {
    open.value = !open.value
    if (open.value) opened.add(level)
    else opened.delete(level)
  }
  return html`<div class="overrides" role="group" aria-label=${`${level} config`}>
    <span class="level" aria-hidden="true">${level}</span>
    <ul>
      ${shown.map(({ override, spans }) => html`<li key=${override[0]}><${Label} override=${override} spans=${spans} /></li>`)}
      ${
        (rest > 0 || open.value) &&
        html`<li key="">
          <button type="button" class="quiet small" aria-expanded=${open.value} onClick=${toggle}>
            ${open.value ? 'show fewer' : `${rest} more`}
          </button>
        </li>`
      }
    </ul>
  </div>`
}

function Label({ override, spans }: { override: Override; spans: readonly Span[] }): VNode {
  const [key, value] = override
  const gone = value.tag === 'ValueDeleted'
  const text = textOf(override)
  const start = key.length + 1
  const hit = spans.find(([from]) => from >= start + longest - before)?.[0]
  const from = hit === undefined ? start : hit - before
  const to = Math.min(text.length, from + longest)
  const title = gone ? `${key} is removed` : `${key} = ${value.contents.slice(0, 1000)}`
  return html`<span class=${`override${gone ? ' gone' : ''}${spans.length > 0 ? ' found' : ''}`} title=${title}>
    <span class="override-key"><${Marked} text=${text} spans=${spans} to=${key.length} /></span>
    ${
      gone
        ? html`<span class="hidden"> removed</span>`
        : html`<span class="override-value">${from > start && '…'}<${Marked} text=${text} spans=${spans} from=${from} to=${to} />${to < text.length && '…'}</span>`
    }
  </span>`
}
