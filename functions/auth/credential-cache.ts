/**
 * What a server has read of sessions and access tokens lately. One that ends is announced over Redis and forgotten at once; without
 * the announcement it counts at most {@link cacheMs} longer here. Used by the two stores.
 */
import { LRUCache } from 'lru-cache'
import { createBatchLoader } from '../../lib/node/batch-loader.ts'

export type Read<Row> = { record: Row; readAtMs: number }

export type CredentialCache<Row> = {
  /** Undefined when it was not read, or too long ago. */
  get(hash: string): Read<Row> | undefined
  /** Whether it was ever read here, so that it is no guess. */
  isKnown(hash: string): boolean
  /** From PostgreSQL; concurrent calls share a query. Null: there is none, or its end was announced. */
  read(hash: string): Promise<Read<Row> | null>
  forget(hash: string, hasEnded: boolean): void
  forgetAll(): void
  /** Whether its end was announced lately: for what was authorized just before. */
  hasEnded(hash: string): boolean
}

/** Without Redis another server ends a session within 30 s: this and the time of a request. */
const cacheMs = 25_000
const maxEntries = 20_000

/** `keeps` false: for a server that gets no announcements, as on AWS Lambda. Unknown ones are never kept. */
export function createCredentialCache<Row extends { tokenHash: string }>(
  find: (hashes: readonly string[]) => Promise<readonly Row[]>,
  keeps: boolean,
): CredentialCache<Row> {
  const cache = new LRUCache<string, Read<Row> & { readAtDayMs: number }>({ max: maxEntries })
  const ended = new LRUCache<string, true>({ max: maxEntries })
  /** Grows with every announcement: what was read before one may be out of date. */
  let announcements = 0

  const load = createBatchLoader(async (hashes: readonly string[]) => {
    const before = announcements
    const readAtMs = performance.now()
    const readAtDayMs = Date.now()
    const found = await find(hashes)
    // It may have ended since PostgreSQL was asked.
    const current = found.filter(({ tokenHash }) => !ended.has(tokenHash))
    const reads = new Map(current.map((record) => [record.tokenHash, { record, readAtMs, readAtDayMs }]))
    if (keeps && before === announcements) for (const [hash, read] of reads) cache.set(hash, read)
    return reads
  })
  const ageMs = ({ readAtMs, readAtDayMs }: Read<Row> & { readAtDayMs: number }) =>
    // The first clock stands still while a machine is suspended, the second one may be set.
    Math.max(performance.now() - readAtMs, Math.abs(Date.now() - readAtDayMs))

  return {
    get(hash) {
      const cached = cache.get(hash)
      return cached !== undefined && ageMs(cached) < cacheMs ? cached : undefined
    },
    isKnown: (hash) => cache.has(hash),
    read: async (hash) => (await load(hash)) ?? null,
    forget(hash, hasEnded) {
      announcements += 1
      cache.delete(hash)
      if (hasEnded) ended.set(hash, true)
    },
    forgetAll() {
      announcements += 1
      cache.clear()
    },
    hasEnded: (hash) => ended.has(hash),
  }
}
