/**
 * Sections of an output: the lines between `::group::Title` and `::endgroup::`, as in GitHub Actions. A section can be folded.
 * Pure functions for log-model.ts.
 */
import type { LogLine } from './lines.ts'

/** Lines from `start` (the line with the title) to before `end`. `end`: null while the section is open. */
export type LogSection = {
  readonly start: number
  readonly title: string
  end: number | null
  /** The line `::endgroup::`, which is not shown; -1: another section or the end of the output ended this one. */
  endLine: number
  hasError: boolean
}

const startMark = '::group::'
const endMark = '::endgroup::'

/** Reads the lines from `from` on again. Sections do not nest: the title of the next one ends the one before. */
export function updateSections(
  sections: LogSection[],
  lines: readonly LogLine[],
  from: number,
  isError: (line: number) => boolean,
): void {
  while ((sections.at(-1)?.start ?? -1) >= from) sections.pop()
  let open = sections.at(-1) ?? null
  if (open !== null && open.end !== null && Math.max(open.end - 1, open.endLine) < from) open = null
  if (open !== null) Object.assign(open, { end: null, endLine: -1 })
  for (let index = from; index < lines.length; index += 1) {
    const text = lines[index]?.text ?? ''
    if (text.startsWith(startMark)) {
      if (open !== null) open.end = index
      open = {
        start: index,
        title: text.slice(startMark.length).trim(),
        end: null,
        endLine: -1,
        hasError: false,
      }
      sections.push(open)
    } else if (open !== null && text.startsWith(endMark)) {
      Object.assign(open, { end: index, endLine: index })
      open = null
    } else if (open !== null && isError(index)) open.hasError = true
  }
}

/** A section that has ended without an error starts folded. */
export const foldedAtFirst = ({ end, hasError }: LogSection): boolean => end !== null && !hasError
