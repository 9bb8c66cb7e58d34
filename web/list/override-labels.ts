/** The overrides of one level as a row of small labels: those that were searched for and the first few, the rest behind a button. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { Override } from '../../domain/overrides.ts'
import { Highlight } from '../ui/highlight.ts'
import { overrideText, type Span } from './search.ts'

const collapsedCount = 3
/** So much of a value is shown; around what was found. */
const maxValueChars = 80
const charsBeforeMatch = 20

/** `opened`: the levels that are shown whole; kept by whoever draws, so that they stay so when this is drawn anew. */
type Props = {
  level: string
  opened: Set<string>
  overrides: readonly Override[]
  marked: (text: string) => Span[]
}

export function OverrideLabels({ level, opened, overrides, marked }: Props): VNode | null {
  const open = useSignal(opened.has(level))
  if (overrides.length === 0) return null
  const labels = overrides.map((override) => ({ override, spans: marked(overrideText(override)) }))
  // What was searched for must be seen, wherever it stands.
  const found = labels.filter(({ spans }) => spans.length > 0)
  const ordered = [...new Set([...found, ...labels])]
  const shown = open.value ? ordered : ordered.slice(0, Math.max(collapsedCount, found.length))
  const hiddenCount = labels.length - shown.length
  const toggle = () => {
    open.value = !open.value
    if (open.value) opened.add(level)
    else opened.delete(level)
  }
  return html`<div class="overrides" role="group" aria-label=${`${level} config`}>
    <span class="level" aria-hidden="true">${level}</span>
    <ul>
      ${shown.map(({ override, spans }) => html`<li key=${override[0]}><${OverrideLabel} override=${override} spans=${spans} /></li>`)}
      ${
        (hiddenCount > 0 || open.value) &&
        html`<li key="">
          <button type="button" class="quiet small" aria-expanded=${open.value} onClick=${toggle}>
            ${open.value ? 'show fewer' : `${hiddenCount} more`}
          </button>
        </li>`
      }
    </ul>
  </div>`
}

function OverrideLabel({ override, spans }: { override: Override; spans: readonly Span[] }): VNode {
  const [key, value] = override
  const isRemoved = value.tag === 'ValueDeleted'
  const text = overrideText(override)
  const start = key.length + 1
  const hit = spans.find(([from]) => from >= start + maxValueChars - charsBeforeMatch)?.[0]
  const from = hit === undefined ? start : hit - charsBeforeMatch
  const to = Math.min(text.length, from + maxValueChars)
  const title = isRemoved ? `${key} is removed` : `${key} = ${value.contents.slice(0, 1000)}`
  return html`<span class=${`override${isRemoved ? ' gone' : ''}${spans.length > 0 ? ' found' : ''}`} title=${title}>
    <span class="override-key"><${Highlight} text=${text} spans=${spans} to=${key.length} /></span>
    ${
      isRemoved
        ? html`<span class="hidden"> removed</span>`
        : html`<span class="override-value">${from > start && '…'}<${Highlight} text=${text} spans=${spans} from=${from} to=${to} />${to < text.length && '…'}</span>`
    }
  </span>`
}
