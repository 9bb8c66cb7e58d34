/**
 * The text of one output line with its colors, styles and search matches. The colors are classes, because the content
 * security policy forbids inline styles and the palette must be readable. Drawn by log-viewer.ts.
 */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { StyleRun } from '../../lib/terminal/screen.ts'
import type { TextStyle } from '../../lib/terminal/style.ts'
import { pluralize } from '../format.ts'
import { maxLineChars } from './log-model.ts'
import { splitByMatch } from './search.ts'

type Props = { text: string; runs: readonly StyleRun[]; query: string }

export function LineText({ text, runs, query }: Props): VNode {
  const rest = text.length - maxLineChars
  return html`${splitLine(text.slice(0, maxLineChars), runs, query).map(
    ({ piece, style, isMatch }, index) => {
      if (isMatch) return html`<mark key=${index}>${piece}</mark>`
      return style === null ? piece : html`<span key=${index} class=${styleClasses(style)}>${piece}</span>`
    },
  )}${rest > 0 && html`<i>… ${pluralize(rest, 'character')} more: download the output</i>`}`
}

type LinePiece = { piece: string; style: TextStyle | null; isMatch: boolean }

/** Splits a line where its style or a match begins or ends. */
export function splitLine(text: string, runs: readonly StyleRun[], query: string): LinePiece[] {
  const pieces: LinePiece[] = []
  let [position, runIndex] = [0, 0]
  for (const [index, part] of splitByMatch(text, query).entries()) {
    const end = position + part.length
    while (position < end) {
      while ((runs[runIndex]?.to ?? Number.POSITIVE_INFINITY) <= position) runIndex += 1
      const run = runs[runIndex]
      const isStyled = run !== undefined && run.from <= position
      const to = Math.min(end, (isStyled ? run.to : run?.from) ?? end)
      pieces.push({
        piece: text.slice(position, to),
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
