/** Reads what app_logs prints, up to a limit of bytes per second, and passes it to its readers. Called by run-app-logs.ts. */
import { delay } from '../../lib/delay.ts'
import type { SecretPatterns } from '../output/secret-patterns.ts'
import type { EntryWriter } from './entry-writer.ts'
import { createLineReader } from './line-reader.ts'
import { createRateLimit, defaultRateLimits, type RateLimits } from './rate-limit.ts'

type Stream = 'stdout' | 'stderr'

export type AppLogOutput = {
  /** Returns a promise when the script must wait. */
  push(stream: Stream, bytes: Uint8Array): void | Promise<void>
  /** Passes on the rest. */
  end(): void
  /** The end of what was printed to each stream. */
  last(): Record<Stream, string>
}

/** A complete line is held no longer than this. */
const pauseMs = 300
/** Dropped lines are reported at the latest after this time. */
const reportMs = 2000
const lastLineCount = 20
const newline = 10

/** `signal`: aborts when the script is being ended, and need not wait any more. */
export function createAppLogOutput(
  patterns: SecretPatterns,
  writer: EntryWriter,
  signal: AbortSignal,
  limits: RateLimits = defaultRateLimits,
): AppLogOutput {
  const rate = createRateLimit(limits)
  const last: Record<Stream, string[]> = { stdout: [], stderr: [] }
  let busy: void | Promise<void>
  let droppedLines = 0
  let reportTimer: NodeJS.Timeout | undefined
  const readers = { stdout: createReader('stdout'), stderr: createReader('stderr') }

  function createReader(stream: Stream) {
    const lines = createLineReader(patterns, (text) => {
      last[stream].push(text)
      if (last[stream].length > lastLineCount) last[stream].shift()
      busy = writer.addLine(text)
    })
    return { lines, isDropping: false, pauseTimer: undefined as NodeJS.Timeout | undefined }
  }

  const reportDropped = () => {
    clearTimeout(reportTimer)
    reportTimer = undefined
    if (droppedLines > 0) writer.add({ type: 'dropped', lines: droppedLines })
    droppedLines = 0
  }
  const drop = (bytes: Uint8Array) => {
    droppedLines += countLines(bytes)
    reportTimer ??= setTimeout(reportDropped, reportMs)
  }

  return {
    push(stream, bytes) {
      const reader = readers[stream]
      const wasDropping = reader.isDropping
      // After a gap lines are read from the next beginning of a line.
      const start = wasDropping ? bytes.indexOf(newline) + 1 : 0
      if ((wasDropping && start === 0) || !rate.take(bytes.length, wasDropping)) {
        if (!wasDropping) reader.lines.discard()
        reader.isDropping = true
        drop(bytes)
        const waitMs = rate.waitAfterDropped(bytes.length)
        return waitMs < 20 ? undefined : delay(waitMs, signal)
      }
      if (wasDropping) {
        drop(bytes.subarray(0, start))
        reportDropped()
        reader.isDropping = false
      }
      busy = undefined
      reader.lines.push(bytes.subarray(start))
      clearTimeout(reader.pauseTimer)
      reader.pauseTimer = setTimeout(reader.lines.pause, pauseMs)
      return busy
    },
    end() {
      for (const { lines, pauseTimer, isDropping } of Object.values(readers)) {
        clearTimeout(pauseTimer)
        if (!isDropping) lines.end()
      }
      reportDropped()
    },
    last: () => ({ stdout: last.stdout.join('\n'), stderr: last.stderr.join('\n') }),
  }
}

function countLines(bytes: Uint8Array): number {
  let count = 0
  for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) count += 1
  return count
}
