/** A text, or a stretch of one, with what was searched for marked in it. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { pieces, type Span } from '../search.ts'

type Props = { text: string; spans: readonly Span[]; from?: number; to?: number }

export function Marked({ text, spans, from = 0, to = text.length }: Props): VNode {
  return html`${pieces(text, spans, from, to).map((piece, at) =>
    piece.hit ? html`<mark key=${at}>${piece.text}</mark>` : piece.text,
  )}`
}
