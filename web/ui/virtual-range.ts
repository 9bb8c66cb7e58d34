/**
 * Computes which lines of a long list are drawn: those near the viewport and the line with the focus. A line
 * is a table row, a row of cards, or a line of output. Heights are measured or estimated. Pure functions for
 * list-table-body.ts and log-viewer.ts.
 */
import { lowerBound } from '../../lib/binary-search.ts'

/** From the first line to before the second one. */
export type Range = readonly [from: number, to: number]

/**
 * Returns the top of each line in px, and the end of the last one. `heightOf` returns 0 for an unknown
 * height, which is then estimated. `gap` follows each line.
 */
export function rowOffsets(
  count: number,
  heightOf: (index: number) => number,
  { columns, estimatedHeight, gap }: { columns: number; estimatedHeight: number; gap: number },
): Float64Array {
  const offsets = new Float64Array(Math.ceil(count / columns) + 1)
  let [line, top, highest] = [0, 0, 0]
  for (let index = 0; index < count; index += 1) {
    const height = heightOf(index) || estimatedHeight
    if (height > highest) highest = height
    if ((index + 1) % columns > 0 && index + 1 < count) continue
    line += 1
    top += highest + gap
    offsets[line] = top
    highest = 0
  }
  return offsets
}

/** Ranges are rounded to this many lines, so that not every scrolled pixel redraws. */
const rangeStep = 4

/** The lines between two heights, plus the line `focused` (-1: none) when it lies outside. */
export function visibleRanges(offsets: Float64Array, from: number, to: number, focused = -1): Range[] {
  const lines = offsets.length - 1
  const first = Math.floor(lineAt(offsets, from) / rangeStep) * rangeStep
  const end = Math.min(lines, Math.ceil((lineAt(offsets, to) + 1) / rangeStep) * rangeStep)
  const visible: Range = [Math.min(first, end), end]
  if (focused < 0 || focused >= lines || (focused >= visible[0] && focused < visible[1])) return [visible]
  return [visible, [focused, focused + 1] as const].sort(([a], [b]) => a - b)
}

/** The line at a height, clamped to the first and last line. */
export function lineAt(offsets: Float64Array, height: number): number {
  const last = offsets.length - 2
  return lowerBound(Math.max(0, last), (line) => (offsets[line + 1] ?? 0) > height)
}
