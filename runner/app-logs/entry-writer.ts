/** Writes what a run has to say into Redis, in batches of limited size. Called by app-log-output.ts and run-app-logs.ts. */
import { appendEntry } from '../../db/redis/app-logs/entries.ts'
import type { AppLogEntry } from '../../domain/output/app-log-messages.ts'
import type { RunnerContext } from '../context.ts'

export type EntryWriter = {
  /** Returns a promise when too much waits to be written. */
  addLine(text: string): void | Promise<void>
  add(entry: Exclude<AppLogEntry, { type: 'lines' }>): void
  /** Writes the rest. Never rejects. */
  flush(): Promise<void>
}

const flushMs = 100
const batchBytes = 32 * 1024
/** Above this a script waits. */
const maxPendingBytes = 256 * 1024
/** What Redis keeps of a run. */
const maxStoredBytes = 1024 * 1024
/** What a line costs besides its text. */
const lineOverheadBytes = 8
const entryOverheadBytes = 128

/** Entries that Redis does not take are lost: readers see a gap in the numbers of the lines. */
export function createEntryWriter(
  { redis, settings }: Pick<RunnerContext, 'redis' | 'settings'>,
  runId: string,
): EntryWriter {
  let nextLine = 1
  let batch: Extract<AppLogEntry, { type: 'lines' }> | null = null
  let batchSize = 0
  let pending: AppLogEntry[] = []
  let pendingBytes = 0
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> | null = null
  /** The sizes of the stored entries, oldest first. */
  const stored: number[] = []
  let storedBytes = 0

  const write = async () => {
    while (pending.length > 0) {
      const entries = pending
      pending = []
      batch = null
      pendingBytes = 0
      for (const entry of entries) {
        const text = JSON.stringify(entry)
        stored.push(text.length)
        storedBytes += text.length
        while (storedBytes > maxStoredBytes && stored.length > 1) storedBytes -= stored.shift() ?? 0
        await appendEntry(redis, settings.REDIS_PREFIX, runId, text, stored.length).catch(() => {})
      }
    }
  }
  const startWriting = (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    writing ??= write().finally(() => {
      writing = null
    })
    return writing
  }
  const schedule = () => {
    timer ??= setTimeout(startWriting, flushMs)
  }
  const add = (entry: AppLogEntry) => {
    pending.push(entry)
    pendingBytes += entryOverheadBytes
    schedule()
  }

  return {
    addLine(text) {
      if (batch === null || batchSize >= batchBytes) {
        batch = { type: 'lines', first: nextLine, at: new Date().toISOString(), lines: [] }
        batchSize = 0
        add(batch)
      }
      batch.lines.push(text)
      nextLine += 1
      batchSize += text.length + lineOverheadBytes
      pendingBytes += text.length + lineOverheadBytes
      if (pendingBytes >= maxPendingBytes) return startWriting()
      schedule()
    },
    add(entry) {
      batch = null
      add(entry)
    },
    async flush() {
      while (pending.length > 0 || writing !== null) await startWriting()
    },
  }
}
