/**
 * Which lines look like errors. The rule is in docs/guide.md: lines of the error stream, and lines with one of the words below
 * unless they count none of them (`0 errors`). Pure functions for log-model.ts.
 */
import type { LogLine } from './lines.ts'

const errorWords =
  /(?<![\w-])(?:\w*errors?|fatal|panic|\w*exception|traceback|failed|failures?)(?![\w-]|\s?[=:]\s?(?:0|none|null|false)\b)/i
const noErrors = /\b(?:0|no|without|zero) (?:errors?|failures?|failed)\b/i
/** Longer lines are data, not messages. */
const maxSearchedChars = 2000

export function isErrorLine({ stream, text }: Pick<LogLine, 'stream' | 'text'>): boolean {
  if (stream === 'stderr') return text.trim() !== ''
  const searched = text.length > maxSearchedChars ? text.slice(0, maxSearchedChars) : text
  return errorWords.test(searched) && !noErrors.test(searched)
}

/** The first line of each block of neighbouring error lines. */
export function errorBlocks(isError: readonly boolean[]): number[] {
  const blocks: number[] = []
  for (let line = 0; line < isError.length; line += 1)
    if (isError[line] && !isError[line - 1]) blocks.push(line)
  return blocks
}
