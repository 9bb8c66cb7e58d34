/**
 * What a run of app_logs has printed, as a Redis stream of limited length. Each reader reads on where it is; a reader that is too
 * slow finds a gap in the numbers of the lines. Written by runner/app-logs, read by functions/app-logs.
 */
import type { Redis } from 'ioredis'
import { type AppLogEntry, appLogEntry } from '../../../domain/output/app-log-messages.ts'
import { parseMessage } from '../events.ts'
import { redisKeys } from '../redis-keys.ts'
import { entriesTtlMs } from './claims.ts'

/** Adds an entry and keeps the last `keep`. Rejects when Redis is unreachable. */
export async function appendEntry(
  redis: Redis,
  prefix: string,
  runId: string,
  text: string,
  keep: number,
): Promise<void> {
  const key = redisKeys(prefix).appLogEntries(runId)
  const results = await redis
    .multi()
    .xadd(key, 'MAXLEN', keep, '*', 'entry', text)
    .pexpire(key, entriesTtlMs)
    .exec()
  const failed = results?.find(([error]) => error !== null)
  if (failed?.[0]) throw failed[0]
}

/** `id`: where the next read goes on. */
export type StoredEntry = { id: string; entry: AppLogEntry }

export const firstEntryId = '0-0'
const entriesPerRead = 20

/** The entries after `id`, in order. */
export async function readEntries(
  redis: Redis,
  prefix: string,
  runId: string,
  after: string,
): Promise<StoredEntry[]> {
  const key = redisKeys(prefix).appLogEntries(runId)
  return parse(await redis.xrange(key, `(${after}`, '+', 'COUNT', entriesPerRead))
}

/** The newest entries that together have at least `lines` lines, in order; all when there are fewer. */
export async function readLastEntries(
  redis: Redis,
  prefix: string,
  runId: string,
  lines: number,
): Promise<StoredEntry[]> {
  const key = redisKeys(prefix).appLogEntries(runId)
  const found: StoredEntry[] = []
  let before = '+'
  let count = 0
  for (;;) {
    const page = parse(await redis.xrevrange(key, before, '-', 'COUNT', entriesPerRead))
    for (const stored of page) {
      if (count >= lines && found.length > 0) return found.reverse()
      found.push(stored)
      if (stored.entry.type === 'lines') count += stored.entry.lines.length
    }
    const last = page.at(-1)
    if (last === undefined || page.length < entriesPerRead) return found.reverse()
    before = `(${last.id}`
  }
}

function parse(rows: readonly [id: string, fields: string[]][]): StoredEntry[] {
  return rows.flatMap(([id, [, text = '']]) => {
    const entry = parseMessage(appLogEntry, text)
    return entry === null ? [] : [{ id, entry }]
  })
}
