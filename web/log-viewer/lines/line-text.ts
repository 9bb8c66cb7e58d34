/**
 * The text of one output line with its colors, styles and search matches. The colors are classes, because the content
 * security policy forbids inline styles and the palette must be readable. Drawn by log-viewer.ts.
 */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { StyleRun } from '../../../lib/terminal/screen.ts'
import type { TextStyle } from '../../../lib/terminal/style.ts'
import { pluralize } from '../../format.ts'
import { splitByMatch } from './search.ts'

/** `from`, `to`: the part of the line that is drawn. `rest`: characters of the line that are not drawn at all. */
type Props = {
  text: string
  runs: readonly StyleRun[]
  query: string
  from: number
  to: number
  rest: number
}

export function LineText({ text, runs, query, from, to, rest }: Props): VNode {
  return html`${splitLine(text.slice(0, to), runs, query, from).map(({ piece, style, isMatch }, index) => {
    if (isMatch) return html`<mark key=${index}>${piece}</mark>`
    return style === null ? piece : html`<span key=${index} class=${styleClasses(style)}>${piece}</span>`
  })}${rest > 0 && html`<i>… ${pluralize(rest, 'character')} more: press Wrap</i>`}`
}

type LinePiece = { piece: string; style: TextStyle | null; isMatch: boolean }

/** Splits a line, from the character `start` on, where its style or a match begins or ends. */
export function splitLine(text: string, runs: readonly StyleRun[], query: string, start = 0): LinePiece[] {
  const pieces: LinePiece[] = []
  let [position, runIndex] = [0, 0]
  for (const [index, part] of splitByMatch(text, query).entries()) {
    const end = position + part.length
    while (position < end) {
      while ((runs[runIndex]?.to ?? Number.POSITIVE_INFINITY) <= position) runIndex += 1
      const run = runs[runIndex]
      const isStyled = run !== undefined && run.from <= position
      const to = Math.min(end, (isStyled ? run.to : run?.from) ?? end)
      if (to > start)
        pieces.push({
          piece: text.slice(Math.max(start, position), to),
          style: isStyled ? run.style : null,
          isMatch: index % 2 === 1,
        })
      position = to
    }
  }
  return pieces
}

/** A background replaces the color, because not every pair of them is readable. */
export function styleClasses({ color, background, inverse, ...styles }: TextStyle): string {
  const block = inverse ? (color ?? 7) : background
  const names = Object.entries(styles).flatMap(([name, isSet]) => (isSet ? [`text-${name}`] : []))
  if (block !== undefined) names.push(`background-${block}`)
  else if (color !== undefined) names.push(`color-${color}`)
  return names.join(' ')
}
