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
import type { Secrets } from '../secrets/secrets.ts'

export type CachedBody = { bytes: Uint8Array<ArrayBuffer>; etag: string }
/** The list as an array, with one deployment a line, and only its names; each is serialized when it is asked for. */
export type CachedList = { array(): CachedBody; lines(): CachedBody; names(): CachedBody }
/** `view`: the names that the caller may see, and whether with secrets. */
export type ListCache = { current(view?: View): Promise<CachedList> }

/** `hiddenText`: without secrets; the same text where there are none. */
type Row = {
  id: number
  changeId: number
  changedAtUs: number
  name: string
  text: string
  hiddenText: string
}

/** Reading this many deployments takes far less than the time limit of a statement. */
const batchSize = 500
const maxViews = 64

export function createListCache(db: Database, { hider, keyPattern }: Secrets): ListCache {
  const rows = new Map<number, Row>()
  let shards: ReadonlyMap<number, number> = new Map()
  /** The state that the rows have. */
  let current: { state: string; readAt: number } | null = null
  /** By view, made when they are asked for. Rows are shared, so a list costs its bytes. */
  const lists = new LRUCache<string, CachedList & { state: string }>({ max: maxViews })

  /** What the rows hide goes by this. */
  let hiddenBy = keyPattern()
  /** A key was marked as secret. */
  const hideAgain = () => {
    hiddenBy = keyPattern()
    for (const row of rows.values()) row.hiddenText = hider.fullInfoText(row.text)
    lists.clear()
  }
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
    current = { state: changes.state, readAt }
    return current.state
  })
  const readEntries = async (ids: readonly number[]) => {
    const entries = await readListEntries(db, ids)
    const found = new Map(
      entries.map(({ body, ...entry }) => {
        const text = JSON.stringify(body)
        const hidden = hider.fullInfo(body)
        const hiddenText = hidden === body ? text : JSON.stringify(hidden)
        return [entry.id, { ...entry, name: body.deployment.name, text, hiddenText }]
      }),
    )
    for (const id of ids) {
      const row = found.get(id)
      // Deleted since its shard was read.
      if (row === undefined) rows.delete(id)
      else rows.set(id, row)
    }
  }
  const readState = singleFlight(() => getListState(db))

  return {
    async current(view = wholeView) {
      const state = await readRows()
      if (hiddenBy !== keyPattern()) hideAgain()
      const known = lists.get(view.id)
      if (known?.state === state) return known
      const list = { ...serializeList(rows.values(), view), state }
      lists.set(view.id, list)
      return list
    },
  }

  /** Returns the state of the rows. */
  async function readRows(): Promise<string> {
    const calledAt = performance.now()
    const state = await readState()
    // Rows that were read after the request came in are as good as those of the state that the request has read.
    return current !== null && (current.state === state || current.readAt >= calledAt)
      ? current.state
      : refresh()
  }
}

/** Newest change first. */
function serializeList(rows: Iterable<Row>, view: View): CachedList {
  const visible = view.isWhole ? [...rows] : [...rows].filter(({ name }) => view.includes(name))
  const sorted = visible.sort((a, b) => b.changedAtUs - a.changedAtUs || b.id - a.id)
  const names = sorted.map((row) => row.name)
  // The texts of the rows, not copies.
  const texts = sorted.map((row) => (view.seesSecrets(row.name) ? row.text : row.hiddenText))
  return {
    array: once(() => toBody(`[${texts.join(',')}]`)),
    // The empty line says that the list is complete, because a proxy may cut it between two lines.
    lines: once(() => toBody(`${texts.map((text) => `${text}\n`).join('')}\n`)),
    names: once(() => toBody(JSON.stringify(names))),
  }
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | null = null
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

function toBody(text: string): CachedBody {
  const bytes = new TextEncoder().encode(text)
  return { bytes, etag: `"${createHash('sha1').update(bytes).digest('base64url')}"` }
}
