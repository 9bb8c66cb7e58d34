/** Finding words in the lines of an output: which lines have them, which one is next, where in a line they stand. Pure. */
import type { LogLine } from './lines.ts'

/** `hits`: the lines below `from` that are known already; the rest is looked through. */
export function findMatchingLines(
  lines: readonly LogLine[],
  query: string,
  knownMatches: readonly number[] = [],
  from = 0,
): number[] {
  if (query === '') return []
  const pattern = buildPattern(query, 'i')
  const matches = knownMatches.filter((line) => line < from)
  for (let at = from; at < lines.length; at += 1) if (pattern.test(lines[at]?.text ?? '')) matches.push(at)
  return matches
}

/** The next hit behind (1) or before (-1) a line, round the end; -1 when there is none. */
export function nextMatch(matches: readonly number[], line: number, direction: 1 | -1): number {
  const found = direction === 1 ? matches.find((hit) => hit > line) : matches.findLast((hit) => hit < line)
  return found ?? matches.at(direction === 1 ? 0 : -1) ?? -1
}

/** Every other piece, the first being none, is what was looked for. */
export const splitByMatch = (text: string, query: string): string[] =>
  query === '' ? [text] : text.split(buildPattern(query, 'gi', true))

const buildPattern = (query: string, flags: string, capture = false) => {
  const escaped = query.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(capture ? `(${escaped})` : escaped, flags)
}
