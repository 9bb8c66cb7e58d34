/**
 * Cleans the output of scripts that arrives in pieces, for a terminal: it may neither move the cursor nor change colors.
 * Called by progress.ts and commands/actions/logs.ts.
 */
import type { OutputChunk } from '../../domain/schemas.ts'
import { toPlainText } from '../../lib/terminal/text.ts'

export type OutputStream = OutputChunk['stream']

export type LineCleaner = {
  /** Returns the complete lines. Keeps an unfinished one, because its control sequence may be unfinished too. */
  push(stream: OutputStream, text: string): string
  /** Returns the unfinished lines. */
  end(): string
}

/** A longer line is not kept, so that memory is bounded. */
const maxLineLength = 65_536

export function createLineCleaner(): LineCleaner {
  const unfinished = { stdout: '', stderr: '' }
  return {
    push(stream, text) {
      const all = unfinished[stream] + text
      const end = all.length > maxLineLength ? all.length : all.lastIndexOf('\n') + 1
      unfinished[stream] = all.slice(end)
      return toPlainText(all.slice(0, end))
    },
    end() {
      const rest = toPlainText(unfinished.stdout) + toPlainText(unfinished.stderr)
      unfinished.stdout = ''
      unfinished.stderr = ''
      return rest
    },
  }
}

/** For a file or pipe: everything unchanged. */
export const passThrough: LineCleaner = { push: (_, text) => text, end: () => '' }
