/** A text with what was searched for marked in it. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { marks } from '../search.ts'

export function Marked({ text, words }: { text: string; words: readonly string[] }): VNode {
  return html`${marks(text, words).map((piece, at) =>
    piece.hit ? html`<mark key=${at}>${piece.text}</mark>` : piece.text,
  )}`
}
