/**
 * Tables for people: the frames of Octopod 1.6, and a form for terminals too narrow for them. Pure: values in,
 * lines out. Called by commands/info.ts and commands/actions.ts.
 */
import type { Override, OverrideValue } from '../domain/overrides.ts'
import { chunksOf, oneLine, widthOf } from './text.ts'

type Frame = { top: string; middle: string; bottom: string; across: string; down: string }

const single: Frame = { top: '┌┬┐', middle: '├┼┤', bottom: '└┴┘', across: '─', down: '│' }
const double: Frame = { top: '╔╦╗', middle: '╠╬╣', bottom: '╚╩╝', across: '═', down: '║' }

/** Overrides as a framed table of two columns; none at all is no line. */
export function boxOfOverrides(overrides: readonly Override[], columns: number): string[] {
  if (overrides.length === 0) return []
  const keyWidth = Math.max(...overrides.map(([key]) => widthOf(oneLine(key))))
  // Two frames and four spaces stand beside the two cells, one frame between them.
  const room = Math.max(columns - 7, 16)
  const keyRoom = Math.min(keyWidth, Math.floor(room / 2))
  const rows = overrides.map(([key, value]) => [
    chunksOf(oneLine(key), keyRoom),
    chunksOf(shownValue(value), room - keyRoom),
  ])
  return framed(single, rows, [padStart, padEnd])
}

/** The same for one cell of a table: without the outer frame, keys and values cut as Octopod 1.6 cut them. */
export function cellOfOverrides(overrides: readonly Override[]): string[] {
  const rows = overrides.map(([key, value]) => [chunksOf(oneLine(key), 15), chunksOf(shownValue(value), 25)])
  return framed(single, rows, [padStart, padEnd])
    .slice(1, -1)
    .map((line) => line.slice(1, -1))
}

/**
 * Headings over rows of cells, each cell a list of lines. Where `columns` do not suffice every row becomes a
 * paragraph of `Heading: value` lines.
 */
export function grid(headings: readonly string[], rows: readonly string[][][], columns: number): string[] {
  const wide = framed(
    double,
    [headings.map((heading) => [heading]), ...rows],
    headings.map(() => padBoth),
  )
  if (widthOf(wide[0] ?? '') <= columns) return wide
  return rows.flatMap((cells, at) => [...(at === 0 ? [] : ['']), ...paragraph(headings, cells)])
}

/** The time of an ISO text to the second, as Octopod 1.6 showed it. */
export function seconds(iso: string): string {
  return new Date(iso).toISOString().slice(0, 19)
}

function shownValue(value: OverrideValue): string {
  return value.tag === 'ValueAdded' ? oneLine(value.contents) : '<<REMOVED>>'
}

function paragraph(headings: readonly string[], cells: readonly string[][]): string[] {
  return headings.flatMap((heading, at) => {
    const lines = (cells[at] ?? []).filter((line) => line.trim() !== '')
    if (lines.length === 0) return []
    return lines.length === 1
      ? [`${heading}: ${lines[0]?.trim()}`]
      : [`${heading}:`, ...lines.map((line) => `  ${line.trimEnd()}`)]
  })
}

type Pad = (text: string, width: number) => string

const padEnd: Pad = (text, width) => text + ' '.repeat(Math.max(0, width - widthOf(text)))
const padStart: Pad = (text, width) => ' '.repeat(Math.max(0, width - widthOf(text))) + text
const padBoth: Pad = (text, width) => {
  const left = Math.floor(Math.max(0, width - widthOf(text)) / 2)
  return padEnd(' '.repeat(left) + text, width)
}

function framed(frame: Frame, rows: readonly string[][][], pads: readonly Pad[]): string[] {
  const widths = pads.map((_, at) =>
    rows.reduce(
      (most, cells) => (cells[at] ?? []).reduce((width, line) => Math.max(width, widthOf(line)), most),
      0,
    ),
  )
  const border = ([left, cross, right]: string): string =>
    left + widths.map((width) => frame.across.repeat(width + 2)).join(cross) + right
  const lines = rows.flatMap((cells, at) => [
    border(at === 0 ? frame.top : frame.middle),
    ...linesOf(frame, cells, widths, pads),
  ])
  return rows.length === 0 ? [] : [...lines, border(frame.bottom)]
}

function linesOf(frame: Frame, cells: readonly string[][], widths: readonly number[], pads: readonly Pad[]) {
  const height = Math.max(1, ...cells.map((cell) => cell.length))
  return Array.from({ length: height }, (_, line) => {
    const texts = pads.map((pad, at) => pad(cells[at]?.[line] ?? '', widths[at] ?? 0))
    return `${frame.down} ${texts.join(` ${frame.down} `)} ${frame.down}`
  })
}
