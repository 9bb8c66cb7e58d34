/**
 * The list of all deployments as bytes. Every request reads the version of the list from PostgreSQL, so that no answer
 * is older than its request; only changed deployments are read again. Used by reads.ts.
 */
import { createHash } from 'node:crypto'
import type { Database } from '../../db/pool.ts'
import { getListVersion, listDeploymentIds, readChangesSince } from '../../db/queries/deployments.ts'
import { singleFlight } from '../../lib/single-flight.ts'

export type CachedList = { changes: number; bytes: Uint8Array<ArrayBuffer>; etag: string }
export type ListCache = { current(): Promise<CachedList> }

type Row = { id: number; changedAt: number; text: string }

export function createListCache(db: Database): ListCache {
  const rows = new Map<number, Row>()
  let cursor: string | null = null
  let deletions = 0
  let cached: CachedList | null = null

  const refresh = singleFlight(async () => {
    const changed = await readChangesSince(db, cursor)
    for (const { id, changedAt, body } of changed.rows) {
      rows.set(id, { id, changedAt, text: JSON.stringify(body) })
    }
    if (changed.deletions !== deletions) {
      const existingIds = new Set(await listDeploymentIds(db))
      for (const id of rows.keys()) if (!existingIds.has(id)) rows.delete(id)
    }
    cursor = changed.cursor
    deletions = changed.deletions
    cached = { changes: changed.changes, ...serializeList(rows) }
    return cached
  })
  const reset = () => {
    rows.clear()
    cursor = null
    cached = null
  }
  const version = singleFlight(() => getListVersion(db))

  return {
    async current() {
      const before = cached
      const changes = await version()
      // The version never decreases: this is another database (restored, replaced), and the cache is wrong.
      if (before !== null && changes < before.changes) reset()
      // A cached list with a newer version is newer than the request too.
      return cached !== null && cached.changes >= changes ? cached : refresh()
    },
  }
}

/** Newest change first. */
function serializeList(rows: Map<number, Row>): { bytes: Uint8Array<ArrayBuffer>; etag: string } {
  const sorted = [...rows.values()].sort((a, b) => b.changedAt - a.changedAt || b.id - a.id)
  const bytes = new TextEncoder().encode(`[${sorted.map((row) => row.text).join(',')}]`)
  return { bytes, etag: `"${createHash('sha1').update(bytes).digest('base64url')}"` }
}
