/**
 * The list of all deployments as bytes, made again only when something visible has changed. Every request asks
 * PostgreSQL for the version, so no server ever answers with a list older than the request.
 */
import { createHash } from 'node:crypto'
import { countChanges, listDeployments } from '../db/deployments.ts'
import type { Database } from '../db/pool.ts'

export type CachedList = { changes: number; bytes: Uint8Array<ArrayBuffer>; etag: string }
export type ListCache = { current(): Promise<CachedList> }

export function createListCache(db: Database): ListCache {
  let cached: CachedList | null = null
  const version = shared(() => countChanges(db))
  const fresh = shared(async () => {
    const { changes, text } = await listDeployments(db)
    const bytes = new TextEncoder().encode(text)
    cached = { changes, bytes, etag: `"${createHash('sha1').update(bytes).digest('base64url')}"` }
    return cached
  })
  return {
    async current() {
      const changes = await version()
      // A list that is newer than the version just asked for is newer than the request: good enough.
      return cached !== null && cached.changes >= changes ? cached : fresh()
    },
  }
}

/**
 * Callers share one run of `work`, but only one that starts after they called: what they get is never older than
 * their question. At most one runs and one waits.
 */
export function shared<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null
  let next: Promise<T> | null = null
  const start = (): Promise<T> => {
    const run = work().finally(() => {
      if (running === run) running = null
    })
    running = run
    return run
  }
  return () => {
    if (running === null) return start()
    next ??= running
      .catch(() => {})
      .then(() => {
        next = null
        return start()
      })
    return next
  }
}
