/**
 * Entries of the audit log that belong to no change: refused requests and reads of output. Created by create-services.ts; used by
 * record-refusals.ts, the handlers of output and the websocket.
 */
import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'
import type { Database } from '../../db/pool.ts'
import { type AuditActor, insertAuditEntry } from '../../db/queries/audit/insert-entry.ts'
import { insertUnidentified, recordOutputRead } from '../../db/queries/audit/observed.ts'
import type { RefusedRequest } from '../../domain/audit/operations.ts'
import { ApiError } from '../../domain/errors.ts'
import { cutText } from '../../lib/cut-text.ts'
import { createAddressLimiter } from '../access/limits.ts'

export type AuditRecorder = {
  /**
   * A refused request of a known caller. Call it before the answer. Throws service_unavailable when the entry cannot be written, and
   * rate_limited for a caller that is refused again and again. `key`: the caller.
   */
  recordRefusal(by: AuditActor, key: string, refused: RefusedRequest, message: string): Promise<void>
  /** A request without a valid credential: counted by address, and written every minute. */
  countUnidentified(address: string): void
  /** One entry for each reader, action and hour. Call it before the output is sent. */
  recordOutputRead(by: AuditActor, actionId: number): Promise<void>
  /** One entry for each reader, deployment, hour and server. Call it before the lines are sent. */
  recordAppLogRead(by: AuditActor, deployment: string): Promise<void>
  /** Writes what the current minute has counted. */
  close(): Promise<void>
}

/** More would fill the log: the caller is told to stop instead, which is not a refusal of its request. */
const maxRefusalsPerMinute = 300
const flushIntervalMs = 60_000
/** More addresses in one minute are counted together. */
const maxAddresses = 200
const otherAddresses = 'other addresses'
const hourMs = 3_600_000

export function createAuditRecorder(db: Database, log: Logger): AuditRecorder {
  const refusals = createAddressLimiter(maxRefusalsPerMinute, 60)
  const reads = new LRUCache<string, true>({ max: 20_000 })
  let counts = new Map<string, number>()
  let countsSinceMs = Date.now()

  const count = (address: string, times: number) => {
    const key = counts.has(address) || counts.size < maxAddresses ? address : otherAddresses
    counts.set(key, (counts.get(key) ?? 0) + times)
  }
  const flush = async () => {
    const [written, since] = [counts, new Date(countsSinceMs)]
    counts = new Map()
    countsSinceMs = Date.now()
    if (written.size === 0) return
    try {
      await insertUnidentified(db, [...written], since)
    } catch (error) {
      log.warn(
        { err: error },
        'refused requests were not written to the audit log; the next minute tries again',
      )
      countsSinceMs = since.getTime()
      for (const [address, times] of written) count(address, times)
    }
  }
  const timer = setInterval(flush, flushIntervalMs).unref()

  return {
    async recordRefusal(by, key, { operation, deployment = null, actionId = null }, message) {
      const waitSeconds = await refusals.consume(key, 1)
      if (waitSeconds > 0)
        throw new ApiError('rate_limited', `${by.actor} was refused too often in this minute.`, {
          retryAfterSeconds: waitSeconds,
        })
      try {
        const details = { message: cutText(message, 1000) }
        await insertAuditEntry(db, { by, operation, outcome: 'refused', deployment, actionId, details })
      } catch (error) {
        throw new ApiError(
          'service_unavailable',
          'This request is refused, but the audit log cannot be written right now.',
          { cause: error },
        )
      }
    },
    countUnidentified(address) {
      count(address, 1)
      // A process that is frozen between requests, as on AWS Lambda, has no timer.
      if (Date.now() - countsSinceMs > 2 * flushIntervalMs) void flush()
    },
    async recordOutputRead(by, actionId) {
      const reader = readerOf(by)
      const key = `${reader} ${actionId} ${Math.floor(Date.now() / hourMs)}`
      if (reads.get(key) === true) return
      await recordOutputRead(db, by, reader, actionId)
      reads.set(key, true)
    },
    async recordAppLogRead(by, deployment) {
      const key = `${readerOf(by)} app logs ${deployment} ${Math.floor(Date.now() / hourMs)}`
      if (reads.get(key) === true) return
      await insertAuditEntry(db, { by, operation: 'read_output', deployment, details: { what: 'app_logs' } })
      reads.set(key, true)
    },
    close: async () => {
      clearInterval(timer)
      await flush()
    },
  }
}

function readerOf({ actor, person, claimedActor, proof }: AuditActor): string {
  const who = person === null ? `${actor} ${claimedActor ?? ''}` : Object.values(person).join(' ')
  return `${proof} ${who}`.slice(0, 500)
}
