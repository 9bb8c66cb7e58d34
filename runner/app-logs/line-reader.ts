/**
 * Turns the bytes of one stream of app_logs into lines: decoded, secrets masked, limited in length. Called by
 * app-log-output.ts.
 */
import { createRedactor } from '../output/redact.ts'
import type { SecretPatterns } from '../output/secret-patterns.ts'

export type LineReader = {
  push(bytes: Uint8Array): void
  /** The script pauses: a complete line is passed on, although its end could be the beginning of a secret of several lines. */
  pause(): void
  /** The following bytes are lost: what is not complete is dropped, because half a secret would not be recognised. */
  discard(): void
  /** Passes on the rest. */
  end(): void
}

export const maxLineLength = 16_384

/** NUL and the end of lines of Windows are removed; invalid UTF-8 becomes U+FFFD. */
export function createLineReader(patterns: SecretPatterns, onLine: (text: string) => void): LineReader {
  let decoder = createDecoder()
  let redactor = createRedactor(patterns)
  let line = ''
  let cutLength = 0
  /** Whether the script has ended its last line. */
  let isLineEnded = true

  const endLine = () => {
    const text = line.endsWith('\r') && cutLength === 0 ? line.slice(0, -1) : line.toWellFormed()
    onLine(cutLength === 0 ? text : `${text} … (${cutLength} more characters of this line were cut)`)
    line = ''
    cutLength = 0
  }
  const add = (text: string) => {
    const parts = text.split('\n')
    for (const [index, part] of parts.entries()) {
      if (index > 0) endLine()
      const kept = part.slice(0, maxLineLength - line.length)
      line += kept
      cutLength += part.length - kept.length
    }
  }
  const clean = (text: string) => {
    if (text !== '') isLineEnded = text.endsWith('\n')
    return redactor.push(text.replaceAll('\0', ''))
  }
  const flush = () => {
    add(redactor.end())
    redactor = createRedactor(patterns)
  }

  return {
    push: (bytes) => add(clean(decoder.decode(bytes, { stream: true }))),
    pause() {
      if (isLineEnded) flush()
    },
    discard() {
      decoder = createDecoder()
      redactor = createRedactor(patterns)
      line = ''
      cutLength = 0
      isLineEnded = true
    },
    end() {
      add(clean(decoder.decode()))
      flush()
      if (line !== '' || cutLength > 0) endLine()
    },
  }
}

const createDecoder = () => new TextDecoder('utf-8', { ignoreBOM: true })
