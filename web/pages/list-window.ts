/**
 * Which part of a long list is drawn: the lines near what is seen, and the line that holds the keyboard's focus, wherever it is.
 * A line is a row of the table, as many cards as stand side by side, or a line of an output. Heights are as drawn, else guessed. Pure.
 */
import { firstWhere } from '../sorted.ts'

/** Lines from … to before …, in the order of the list. */
export type Stretch = readonly [from: number, to: number]

/**
 * Where each line of `count` items begins, in pixels, and at last where they end. `heightOf`: 0 where it is not known: then it
 * is guessed. `gap` stands below every line.
 */
export function topsOf(
  count: number,
  heightOf: (at: number) => number,
  { columns, guess, gap }: { columns: number; guess: number; gap: number },
): Float64Array {
  const tops = new Float64Array(Math.ceil(count / columns) + 1)
  let [line, top, highest] = [0, 0, 0]
  for (let at = 0; at < count; at += 1) {
    const height = heightOf(at) || guess
    if (height > highest) highest = height
    if ((at + 1) % columns > 0 && at + 1 < count) continue
    line += 1
    top += highest + gap
    tops[line] = top
    highest = 0
  }
  return tops
}

/** Whole steps of lines, so that not every pixel of scrolling draws anew. */
const step = 4

/** The lines between two heights, and `kept` (-1: none) where it lies outside of them. */
export function stretchesOf(tops: Float64Array, from: number, to: number, kept = -1): Stretch[] {
  const lines = tops.length - 1
  const first = Math.floor(lineAt(tops, from) / step) * step
  const end = Math.min(lines, Math.ceil((lineAt(tops, to) + 1) / step) * step)
  const seen: Stretch = [Math.min(first, end), end]
  if (kept < 0 || kept >= lines || (kept >= seen[0] && kept < seen[1])) return [seen]
  return [seen, [kept, kept + 1] as const].sort(([a], [b]) => a - b)
}

/** The line at a height; the first or last one for what lies beyond. */
export function lineAt(tops: Float64Array, height: number): number {
  const last = tops.length - 2
  return firstWhere(Math.max(0, last), (line) => (tops[line + 1] ?? 0) > height)
}
