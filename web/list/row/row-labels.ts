/** The labels of a deployment in its row, below its name: those that match the search and the first few, and the number of others. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { Labels } from '../../../domain/labels.ts'
import { Highlight } from '../../ui/highlight.ts'
import type { Span } from '../search.ts'

const shownCount = 2

type Props = { labels: Labels; highlightSpans: (text: string) => Span[] }

export function RowLabels({ labels, highlightSpans }: Props): VNode | null {
  const all = Object.entries(labels).map(([key, value]) => {
    const text = value === '' ? key : `${key}=${value}`
    return { text, spans: highlightSpans(text) }
  })
  if (all.length === 0) return null
  const matched = all.filter(({ spans }) => spans.length > 0)
  const shown = [...new Set([...matched, ...all])].slice(0, Math.max(shownCount, matched.length))
  const others = all.filter((label) => !shown.includes(label)).map(({ text }) => text)
  return html`<ul class=${matched.length > 0 ? 'row-labels matched' : 'row-labels'} aria-label="Labels">
    ${shown.map(({ text, spans }) => html`<li key=${text} title=${text}><${Highlight} text=${text} spans=${spans} /></li>`)}
    ${others.length > 0 && html`<li key="" class="more-labels" title=${others.join('\n')}>${others.length} more</li>`}
  </ul>`
}
