/**
 * The rows of an output: its lines without those of folded sections. A wrapped line that is too long for one element is several
 * rows, so that nothing of it is cut. Pure functions for log-model.ts.
 */
import { lowerBound } from '../../../lib/binary-search.ts'
import type { LogLine } from './lines.ts'
import type { LogSection } from './sections.ts'

/** `lines`: the line of each row. `starts`: the first character of its piece. */
export type LogRows = { count: number; lines: Int32Array; starts: Int32Array }

type Options = { sections: readonly LogSection[]; isFolded(section: LogSection): boolean; pieceChars: number }

/** `pieceChars`: Infinity: every line is one row. */
export function buildRows(lines: readonly LogLine[], { sections, isFolded, pieceChars }: Options): LogRows {
  let lineNumbers = new Int32Array(lines.length)
  let starts = new Int32Array(lines.length)
  let count = 0
  const add = (line: number, start: number) => {
    if (count === lineNumbers.length) {
      lineNumbers = grow(lineNumbers)
      starts = grow(starts)
    }
    lineNumbers[count] = line
    starts[count] = start
    count += 1
  }
  const hidden = sections.flatMap((section): [from: number, to: number][] => {
    const { start, end, endLine } = section
    if (isFolded(section)) return [[start + 1, endLine < 0 ? (end ?? lines.length) : endLine + 1]]
    return endLine < 0 ? [] : [[endLine, endLine + 1]]
  })
  let line = 0
  for (const [from, to] of [...hidden, [lines.length, lines.length] as const]) {
    for (; line < from; line += 1) {
      add(line, 0)
      const length = lines[line]?.text.length ?? 0
      for (let start = pieceChars; start < length; start += pieceChars) add(line, start)
    }
    line = to
  }
  return { count, lines: lineNumbers.subarray(0, count), starts: starts.subarray(0, count) }
}

/** The row that begins the line; for a hidden line the one after it. */
export const rowOfLine = ({ lines, count }: LogRows, line: number): number =>
  Math.min(
    Math.max(0, count - 1),
    lowerBound(count, (row) => (lines[row] ?? 0) >= line),
  )

function grow(numbers: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(Math.max(64, numbers.length * 2))
  larger.set(numbers)
  return larger
}
