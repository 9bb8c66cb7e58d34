/**
 * Converts output chunks to the lines that a terminal would show, with colors and the time of their first character. Each
 * stream has a terminal of its own, and lines keep the order in which they began. Used by log-model.ts.
 */
import type { OutputChunk } from '../../../domain/schemas.ts'
import { createTerminalScreen, type StyleRun, type TerminalScreen } from '../../../lib/terminal/screen.ts'

type Stream = OutputChunk['stream']
/** `at`: ISO 8601. */
export type LogLine = { stream: Stream; text: string; runs: readonly StyleRun[]; at: string }

export type LogLines = {
  all: readonly LogLine[]
  /** Returns the index of the first new or changed line. */
  add(chunk: Pick<OutputChunk, 'stream' | 'text' | 'at'>): number
}

/** `lineOfRow`: the index in `all` of each row that has begun. */
type StreamState = { screen: TerminalScreen; lineOfRow: number[] }

export function createLogLines(): LogLines {
  const all: LogLine[] = []
  const createState = (): StreamState => ({ screen: createTerminalScreen(), lineOfRow: [] })
  const states = { stdout: createState(), stderr: createState() }
  return {
    all,
    add: ({ stream, text, at }) => {
      const { screen, lineOfRow } = states[stream]
      let first = all.length
      const changed = screen.write(text)
      // The last row begins with its first character, not with the end of the row above.
      const lastIsEmpty = screen.rows.at(-1)?.text === '' && lineOfRow.length < screen.rows.length
      for (let row = changed; row < screen.rows.length - (lastIsEmpty ? 1 : 0); row += 1) {
        const index = lineOfRow[row] ?? all.length
        lineOfRow[row] = index
        first = Math.min(first, index)
        const { text: shown, runs } = screen.rows[row] ?? { text: '', runs: [] }
        all[index] = { stream, text: shown, runs, at: all[index]?.at ?? at }
      }
      return first
    },
  }
}
