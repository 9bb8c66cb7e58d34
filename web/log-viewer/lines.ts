/**
 * Converts output chunks to lines of plain text: removes terminal escape codes, separates both streams, and
 * applies carriage returns. Used by log-model.ts.
 */
import type { OutputChunk } from '../../domain/schemas.ts'

export type LogLine = { stream: OutputChunk['stream']; text: string }

export type LogLines = {
  all: readonly LogLine[]
  /** Returns the index of the first new or changed line. */
  add(chunk: Pick<OutputChunk, 'stream' | 'text'>): number
}

export function createLogLines(): LogLines {
  const all: LogLine[] = []
  /** Index of each stream's unfinished line; -1: none. */
  const unfinishedLine = { stdout: -1, stderr: -1 }
  /** Start of an escape code that continues in the next chunk. */
  const partialCode = { stdout: '', stderr: '' }
  return {
    all,
    add: ({ stream, text }) => {
      const whole = partialCode[stream] + text
      const cut = partialTerminalCode.exec(whole)
      partialCode[stream] = cut?.[0] ?? ''
      const clean = whole.slice(0, cut?.index).replace(terminalCodes, '').replaceAll('\r\n', '\n')
      let first = all.length
      const pieces = clean.split('\n')
      pieces.forEach((piece, number) => {
        const ends = number < pieces.length - 1
        if (unfinishedLine[stream] < 0) {
          if (!ends && piece === '') return
          unfinishedLine[stream] = all.push({ stream, text: '' }) - 1
        }
        const index = unfinishedLine[stream]
        first = Math.min(first, index)
        all[index] = { stream, text: afterCarriageReturn((all[index]?.text ?? '') + piece) }
        if (ends) unfinishedLine[stream] = -1
      })
      return first
    },
  }
}

const afterCarriageReturn = (text: string) => text.slice(text.lastIndexOf('\r') + 1)

// biome-ignore-start lint/suspicious/noControlCharactersInRegex: the patterns match terminal escape codes
/** Colors, cursor movements, window titles and short codes. */
const terminalCodes =
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\^_])|[\u0000-\u0008\u000b\u000c\u000e-\u001a]/g
const partialTerminalCode = /(?:\u001b(?:\[[0-?]{0,99}|\][^\u0007\u001b]{0,999})?|\r)$/
// biome-ignore-end lint/suspicious/noControlCharactersInRegex: end of the patterns
