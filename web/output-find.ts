/** Finding words in the lines of an output: which lines have them, which one is next, where in a line they stand. Pure. */
import type { Line } from './output-lines.ts'

/** `hits`: the lines below `from` that are known already; the rest is looked through. */
export function findLines(
  lines: readonly Line[],
  query: string,
  hits: readonly number[] = [],
  from = 0,
): number[] {
  if (query === '') return []
  const pattern = patternOf(query, 'i')
  const found = hits.filter((line) => line < from)
  for (let at = from; at < lines.length; at += 1) if (pattern.test(lines[at]?.text ?? '')) found.push(at)
  return found
}

/** The next hit behind (1) or before (-1) a line, round the end; -1 when there is none. */
export function nextHit(hits: readonly number[], line: number, way: 1 | -1): number {
  const found = way === 1 ? hits.find((hit) => hit > line) : hits.findLast((hit) => hit < line)
  return found ?? hits.at(way === 1 ? 0 : -1) ?? -1
}

/** Every other piece, the first being none, is what was looked for. */
export const piecesOf = (text: string, query: string): string[] =>
  query === '' ? [text] : text.split(patternOf(query, 'gi', true))

const patternOf = (query: string, flags: string, kept = false) => {
  const escaped = query.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(kept ? `(${escaped})` : escaped, flags)
}
