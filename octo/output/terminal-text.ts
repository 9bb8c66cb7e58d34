/**
 * Text for a terminal: width, wrapping, and single lines without control characters. Called by everything that prints
 * for people.
 */
import { toPlainText } from '../../lib/terminal/text.ts'

const wideCharacter =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u
const zeroWidthCharacter = /[\p{Mn}\p{Me}\p{Cf}]/u

/** What octo needs of stdout or stderr. */
export type Terminal = { write(text: string): unknown; isTTY?: boolean; columns?: number }

/** Number of terminal columns that the text takes. */
export function displayWidth(text: string): number {
  let width = 0
  for (const character of text)
    width += zeroWidthCharacter.test(character) ? 0 : wideCharacter.test(character) ? 2 : 1
  return width
}

/** Splits the text into pieces of at most `width` columns; an empty text is one empty piece. */
export function splitByWidth(text: string, width: number): string[] {
  const chunks: string[] = []
  let chunk = ''
  let used = 0
  for (const character of text) {
    const size = displayWidth(character)
    if (chunk !== '' && used + size > width) {
      chunks.push(chunk)
      chunk = ''
      used = 0
    }
    chunk += character
    used += size
  }
  return [...chunks, chunk]
}

/** Wraps the text at spaces into lines of at most `width` columns; a longer word gets a line of its own. */
export function wrapWords(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const line = lines.at(-1)
    if (line === undefined || displayWidth(`${line} ${word}`) > width) lines.push(word)
    else lines[lines.length - 1] = `${line} ${word}`
  }
  return lines
}

/** What a terminal would show, in a single line: new lines and tabs as `\n` and `\t`. */
export function toSingleLine(text: string): string {
  return toPlainText(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t')
}
