/**
 * The list of all deployments as bytes. Every request reads the state of the list from PostgreSQL, so that no answer
 * is older than its request; only changed deployments are read again. Used by reads.ts.
 */
import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Database } from '../../db/pool.ts'
import { getListState, readListChanges, readListEntries, shardOf } from '../../db/queries/deployments.ts'
import { singleFlight } from '../../lib/single-flight.ts'
import { type View, wholeView } from '../auth/view.ts'

export type CachedBody = { bytes: Uint8Array<ArrayBuffer>; etag: string }
/** `names`: only the names, serialized when they are asked for. */
export type CachedList = CachedBody & { names(): CachedBody }
/** `view`: the names that the caller may see. */
export type ListCache = { current(view?: View): Promise<CachedList> }

type Row = { id: number; changeId: number; changedAtUs: number; name: string; text: string }

/** Reading this many deployments takes far less than the time limit of a statement. */
const batchSize = 500
const maxViews = 64

export function createListCache(db: Database): ListCache {
  const rows = new Map<number, Row>()
  let shards: ReadonlyMap<number, number> = new Map()
  let cached: (CachedList & { state: string; readAt: number }) | null = null
  /** Lists of other views than the whole one, of the present state. Rows are shared, so a list costs its bytes. */
  const otherViews = new LRUCache<string, CachedList & { state: string }>({ max: maxViews })

  const refresh = singleFlight(async () => {
    const readAt = performance.now()
    const changes = await readListChanges(db, shards)
    const changedShards = new Map(changes.shards)
    const present = new Map(changes.deployments)
    for (const id of rows.keys()) if (changedShards.has(shardOf(id)) && !present.has(id)) rows.delete(id)
    const changedIds = [...present]
      .filter(([id, changeId]) => rows.get(id)?.changeId !== changeId)
      .map(([id]) => id)
    // What was read stays when a later batch fails.
    for (let at = 0; at < changedIds.length; at += batchSize)
      await readEntries(changedIds.slice(at, at + batchSize))
    shards = new Map([...shards, ...changedShards])
    if (cached === null || changedShards.size > 0)
      cached = { ...serializeList(rows.values()), state: changes.state, readAt }
    else cached = { ...cached, readAt }
    return cached
  })
  const readEntries = async (ids: readonly number[]) => {
    const entries = await readListEntries(db, ids)
    const found = new Map(
      entries.map(({ body, ...entry }) => [
        entry.id,
        { ...entry, name: body.deployment.name, text: JSON.stringify(body) },
      ]),
    )
    for (const id of ids) {
      const row = found.get(id)
      // Deleted since its shard was read.
      if (row === undefined) rows.delete(id)
      else rows.set(id, row)
    }
  }
  const state = singleFlight(() => getListState(db))

  return {
    async current(view = wholeView) {
      const whole = await currentWhole()
      if (view.isWhole) return whole
      const known = otherViews.get(view.id)
      if (known?.state === whole.state) return known
      const visible = [...rows.values()].filter(({ name }) => view.includes(name))
      const list = { ...serializeList(visible), state: whole.state }
      otherViews.set(view.id, list)
      return list
    },
  }

  async function currentWhole() {
    const calledAt = performance.now()
    const current = await state()
    // A list that was read after the request came in is as good as one of the state that the request has read.
    return cached !== null && (cached.state === current || cached.readAt >= calledAt) ? cached : refresh()
  }
}

/** Newest change first. */
function serializeList(rows: Iterable<Row>): CachedList {
  const sorted = [...rows].sort((a, b) => b.changedAtUs - a.changedAtUs || b.id - a.id)
  const names = sorted.map((row) => row.name)
  let namesBody: CachedBody | null = null
  return {
    ...toBody(`[${sorted.map((row) => row.text).join(',')}]`),
    names: () => {
      namesBody ??= toBody(JSON.stringify(names))
      return namesBody
    },
  }
}

function toBody(text: string): CachedBody {
  const bytes = new TextEncoder().encode(text)
  return { bytes, etag: `"${createHash('sha1').update(bytes).digest('base64url')}"` }
}
