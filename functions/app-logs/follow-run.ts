/** Sends the lines of a run to one reader, as fast as the reader takes them. Called by stream-app-logs.ts. */
import {
  firstEntryId,
  readEntries,
  readLastEntries,
  type StoredEntry,
} from '../../db/redis/app-logs/entries.ts'
import {
  type AppLogTarget,
  appLogKey,
  type FoundRun,
  readClaim,
  registerReader,
} from '../../db/redis/app-logs/requests.ts'
import type { AppLogEvents } from '../../domain/output/app-log-events.ts'
import { delay } from '../../lib/delay.ts'
import type { Services } from '../services.ts'

export type SendEvent = (event: { id: string; event: string; data: string }) => Promise<void>

/** The place of a reader: the run and the number of its last line. */
export type ReaderPosition = { runId: string; line: number }

const pollMs = 200
const claimCheckMs = 1000
const registerMs = 3000
/** After this many failed reads in a row, the stream ends with an error. */
const maxFailedReads = 3

/** Resolves when the run has ended or `ended` aborts. `position`: of a reader that comes again. */
export async function followRun(
  { redis, settings }: Pick<Services, 'redis' | 'settings'>,
  target: AppLogTarget,
  { claim, isNew }: FoundRun,
  position: ReaderPosition | null,
  send: SendEvent,
  ended: AbortSignal,
): Promise<void> {
  const prefix = settings.REDIS_PREFIX
  const { runId } = claim
  const key = appLogKey(target)
  const isResumed = position?.runId === runId
  /** The number of the next line; null: of whichever comes. */
  let next: number | null = isResumed ? position.line + 1 : isNew ? 1 : null
  let after = firstEntryId
  let isRunning = false
  let hasSentLine = false

  const emit = <Name extends keyof AppLogEvents>(event: Name, data: AppLogEvents[Name]) =>
    send({ id: `${runId}.${(next ?? 1) - 1}`, event, data: JSON.stringify(data) })
  const emitRunning = async () => {
    if (isRunning) return
    isRunning = true
    await emit('state', { state: 'running', resumed: isResumed })
  }

  /** Returns true after the end. */
  const pass = async ({ id, entry }: StoredEntry): Promise<boolean> => {
    after = id
    if (entry.type === 'end') {
      await emit('end', { reason: entry.reason, message: entry.message })
      return true
    }
    if (entry.type === 'running') await emitRunning()
    if (entry.type === 'dropped' && (hasSentLine || !isResumed))
      await emit('dropped', { lines: entry.lines, reason: 'rate_limit' })
    if (entry.type !== 'lines') return false
    await emitRunning()
    next ??= entry.first
    if (entry.first > next) await emit('dropped', { lines: entry.first - next, reason: 'slow_reader' })
    const skipped = Math.max(0, next - entry.first)
    for (const [index, text] of entry.lines.entries()) {
      if (index < skipped) continue
      next = entry.first + index + 1
      hasSentLine = true
      await emit('line', { at: entry.at, text })
    }
    return false
  }

  /** A reader that joins a run first gets as many of the last lines as it wants. */
  const readNext = async (): Promise<StoredEntry[]> => {
    if (!isJoining) return readEntries(redis, prefix, runId, after)
    const last = await readLastEntries(redis, prefix, runId, target.tail)
    isJoining = false
    const count = last.reduce((sum, { entry }) => sum + (entry.type === 'lines' ? entry.lines.length : 0), 0)
    const first = last.find(({ entry }) => entry.type === 'lines')?.entry
    if (first?.type === 'lines') next = first.first + Math.max(0, count - target.tail)
    return last
  }

  let isJoining = next === null
  let failedReads = 0
  let checkedAtMs = performance.now()
  let isLost = false
  // Sending may take long, because a reader may be slow.
  const registerTimer = setInterval(() => void registerReader(redis, prefix, key).catch(() => {}), registerMs)
  try {
    await emit('state', { state: 'starting', resumed: isResumed })
    while (!ended.aborted) {
      let entries: StoredEntry[]
      try {
        entries = await readNext()
        const nowMs = performance.now()
        // What a run has written before its end comes before the news that it is gone.
        if (entries.length === 0 && isLost)
          return await emit('end', { reason: 'runner_lost', message: 'The runner of the logs is gone.' })
        if (entries.length === 0 && nowMs - checkedAtMs >= claimCheckMs) {
          checkedAtMs = nowMs
          isLost = (await readClaim(redis, prefix, key))?.runId !== runId
        }
        failedReads = 0
      } catch (error) {
        if (ended.aborted) throw error
        failedReads += 1
        if (failedReads >= maxFailedReads)
          return await emit('end', {
            reason: 'redis_unreachable',
            message: 'Redis is not reachable: the lines of the app cannot be read.',
          })
        entries = []
      }
      for (const stored of entries) if (await pass(stored)) return
      if (entries.length === 0) await delay(pollMs, ended)
    }
  } finally {
    clearInterval(registerTimer)
    // The run goes on for a moment, because a reader often comes again.
    await registerReader(redis, prefix, key).catch(() => {})
  }
}
