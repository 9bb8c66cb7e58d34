/**
 * The overrides of one level as labels: matches of the search and the first few; a button shows the others.
 */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { Override } from '../../../domain/overrides.ts'
import { isHiddenOverride } from '../../../domain/secrets/secret-reference.ts'
import { SecretMark } from '../../config/secret-mark.ts'
import { Highlight } from '../../ui/highlight.ts'
import { overrideText, type Span } from '../search.ts'

const collapsedCount = 3
/** Maximum shown length of a value; the shown part contains the match. */
const maxValueChars = 80
const charsBeforeMatch = 20

/**
 * `expandedLevels`: the levels that are shown completely. Kept by the list item, so that they stay expanded
 * when the row is drawn again.
 */
type Props = {
  level: string
  expandedLevels: Set<string>
  overrides: readonly Override[]
  highlightSpans: (text: string) => Span[]
}

export function OverrideLabels({ level, expandedLevels, overrides, highlightSpans }: Props): VNode | null {
  const expanded = useSignal(expandedLevels.has(level))
  if (overrides.length === 0) return null
  const labels = overrides.map((override) => ({ override, spans: highlightSpans(overrideText(override)) }))
  // Matches are always shown.
  const matched = labels.filter(({ spans }) => spans.length > 0)
  const ordered = [...new Set([...matched, ...labels])]
  const shown = expanded.value ? ordered : ordered.slice(0, Math.max(collapsedCount, matched.length))
  const hiddenCount = labels.length - shown.length
  const toggle = () => {
    expanded.value = !expanded.value
    if (expanded.value) expandedLevels.add(level)
    else expandedLevels.delete(level)
  }
  return html`<div class="overrides" role="group" aria-label=${`${level} config`}>
    <span class="level" aria-hidden="true">${level}</span>
    <ul>
      ${shown.map(({ override, spans }) => html`<li key=${override[0]}><${OverrideLabel} override=${override} spans=${spans} /></li>`)}
      ${
        (hiddenCount > 0 || expanded.value) &&
        html`<li key="">
          <button type="button" class="ghost-button small" aria-expanded=${expanded.value} onClick=${toggle}>
            ${expanded.value ? 'show fewer' : `${hiddenCount} more`}
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
  const firstMatch = spans.find(([from]) => from >= start + maxValueChars - charsBeforeMatch)?.[0]
  const from = firstMatch === undefined ? start : firstMatch - charsBeforeMatch
  const to = Math.min(text.length, from + maxValueChars)
  const isHidden = isHiddenOverride(value)
  const title = isRemoved
    ? `${key} is removed`
    : `${key} = ${isHidden ? 'secret' : value.contents.slice(0, 1000)}`
  return html`<span class=${`override${isRemoved ? ' removed' : ''}${spans.length > 0 ? ' matched' : ''}`} title=${title}>
    <span class="override-key"><${Highlight} text=${text} spans=${spans} to=${key.length} /></span>
    ${
      isRemoved
        ? html`<span class="visually-hidden"> removed</span>`
        : isHidden
          ? html`<span class="override-value"><${SecretMark} /></span>`
          : html`<span class="override-value">${from > start && '…'}<${Highlight} text=${text} spans=${spans} from=${from} to=${to} />${to < text.length && '…'}</span>`
    }
  </span>`
}
