/**
 * Which part of a long list is drawn: the lines near what is seen, and the line that holds the keyboard's focus, wherever it is.
 * A line is a row of the table, as many cards as stand side by side, or a line of an output. Heights are as drawn, else guessed. Pure.
 */
import { lowerBound } from '../../lib/binary-search.ts'

/** Lines from … to before …, in the order of the list. */
export type Range = readonly [from: number, to: number]

/**
 * Where each line of `count` items begins, in pixels, and at last where they end. `heightOf`: 0 where it is not known: then it
 * is guessed. `gap` stands below every line.
 */
export function rowOffsets(
  count: number,
  heightOf: (at: number) => number,
  { columns, estimatedHeight, gap }: { columns: number; estimatedHeight: number; gap: number },
): Float64Array {
  const offsets = new Float64Array(Math.ceil(count / columns) + 1)
  let [line, top, highest] = [0, 0, 0]
  for (let at = 0; at < count; at += 1) {
    const height = heightOf(at) || estimatedHeight
    if (height > highest) highest = height
    if ((at + 1) % columns > 0 && at + 1 < count) continue
    line += 1
    top += highest + gap
    offsets[line] = top
    highest = 0
  }
  return offsets
}

/** Whole steps of lines, so that not every pixel of scrolling draws anew. */
const rangeStep = 4

/** The lines between two heights, and `kept` (-1: none) where it lies outside of them. */
export function visibleRanges(offsets: Float64Array, from: number, to: number, focused = -1): Range[] {
  const lines = offsets.length - 1
  const first = Math.floor(lineAt(offsets, from) / rangeStep) * rangeStep
  const end = Math.min(lines, Math.ceil((lineAt(offsets, to) + 1) / rangeStep) * rangeStep)
  const visible: Range = [Math.min(first, end), end]
  if (focused < 0 || focused >= lines || (focused >= visible[0] && focused < visible[1])) return [visible]
  return [visible, [focused, focused + 1] as const].sort(([a], [b]) => a - b)
}

/** The line at a height; the first or last one for what lies beyond. */
export function lineAt(offsets: Float64Array, height: number): number {
  const last = offsets.length - 2
  return lowerBound(Math.max(0, last), (line) => (offsets[line + 1] ?? 0) > height)
}
