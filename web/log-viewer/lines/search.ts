/** Text search in the lines of an output. Pure functions for log-model.ts and log-toolbar.ts. */
import type { LogLine } from './lines.ts'

/** `knownMatches`: matches of an earlier search; those below `from` are kept, later lines are searched. */
export function findMatchingLines(
  lines: readonly LogLine[],
  query: string,
  knownMatches: readonly number[] = [],
  from = 0,
): number[] {
  if (query === '') return []
  const pattern = buildPattern(query, 'i')
  const matches = knownMatches.filter((line) => line < from)
  for (let index = from; index < lines.length; index += 1)
    if (pattern.test(lines[index]?.text ?? '')) matches.push(index)
  return matches
}

/** The next match after (1) or before (-1) a line, wrapping around; -1 when there is none. */
export function nextMatch(matches: readonly number[], line: number, direction: 1 | -1): number {
  const match =
    direction === 1 ? matches.find((match) => match > line) : matches.findLast((match) => match < line)
  return match ?? matches.at(direction === 1 ? 0 : -1) ?? -1
}

/** Splits a text so that every second piece is a match. */
export const splitByMatch = (text: string, query: string): string[] =>
  query === '' ? [text] : text.split(buildPattern(query, 'gi', true))

const buildPattern = (query: string, flags: string, capture = false) => {
  const escaped = query.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(capture ? `(${escaped})` : escaped, flags)
}
