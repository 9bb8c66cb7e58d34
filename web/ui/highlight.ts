/** A text, or part of one, with highlighted search matches. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { type Span, splitBySpans } from '../list/search.ts'

type Props = { text: string; spans: readonly Span[]; from?: number; to?: number }

export function Highlight({ text, spans, from = 0, to = text.length }: Props): VNode {
  return html`${splitBySpans(text, spans, from, to).map((piece, index) =>
    piece.isMatch ? html`<mark key=${index}>${piece.text}</mark>` : piece.text,
  )}`
}
