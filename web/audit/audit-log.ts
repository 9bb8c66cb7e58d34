/**
 * The entries of the audit log that the page shows. Entries that are written later wait until somebody asks for them, so that no
 * row moves under the pointer. Created by audit-page.ts.
 */
import { batch, computed, type ReadonlySignal, signal } from '@preact/signals'
import type { ApiClient } from '../../client/call-endpoint.ts'
import { type ApiError, toApiError } from '../../client/errors.ts'
import type { AuditEntry } from '../../domain/audit/audit-schemas.ts'
import type { ServerClock } from '../live/server-clock.ts'
import { type AuditFilters, toQuery } from './audit-filters.ts'

export type AuditLog = {
  /** The newest first; null until they are loaded. */
  entries: ReadonlySignal<readonly AuditEntry[] | null>
  /** How many newer entries wait. */
  newCount: ReadonlySignal<number>
  hasOlder: ReadonlySignal<boolean>
  isLoading: ReadonlySignal<boolean>
  error: ReadonlySignal<ApiError | null>
  /** Begins anew with these filters. */
  load(filters: AuditFilters): Promise<void>
  loadOlder(): Promise<void>
  showNew(): Promise<void>
  /** Looks for newer entries, or tries again what has failed. */
  poll(): Promise<void>
  close(): void
}

const pageSize = 50
/** More new entries than this are counted as so many. */
export const maxNew = 100
/** So many pages without a match are read before the user is asked to go on. */
const maxEmptyPages = 5
/** An entry may be committed after one with a later time. */
const overlapMs = 60_000

export function createAuditLog(client: ApiClient, clock: ServerClock): AuditLog {
  const entries = signal<readonly AuditEntry[] | null>(null)
  const waiting = signal<readonly AuditEntry[]>([])
  const nextBefore = signal<number | null>(null)
  const isLoading = signal(false)
  const error = signal<ApiError | null>(null)
  let filters: AuditFilters | null = null
  let loadedAtMs = 0
  let current = new AbortController()

  /** Runs a request of the current filters; the answer to an older one is dropped. */
  const run = async (work: (signal: AbortSignal) => Promise<void>) => {
    const { signal: aborted } = current
    try {
      await work(aborted)
      if (!aborted.aborted) error.value = null
    } catch (caught) {
      if (!aborted.aborted) error.value = toApiError(caught)
    }
  }
  /** The pages after `before`, until one has a match. */
  const readPages = (before: number | null) =>
    run(async (aborted) => {
      if (filters === null) return
      isLoading.value = true
      try {
        let next = before
        for (let page = 0; page < maxEmptyPages; page += 1) {
          const query = { ...toQuery(filters, clock.currentTimeMs()), limit: pageSize }
          const found = await client.call('listAuditEntries', {
            query: next === null ? query : { ...query, before: next },
            signal: aborted,
          })
          if (aborted.aborted) return
          next = found.next_before
          if (found.entries.length === 0 && next !== null) continue
          batch(() => {
            entries.value = [...(entries.value ?? []), ...found.entries]
            nextBefore.value = next
          })
          return
        }
        batch(() => {
          entries.value ??= []
          nextBefore.value = next
        })
      } finally {
        if (!aborted.aborted) isLoading.value = false
      }
    })
  const load = async (wanted: AuditFilters) => {
    current.abort()
    current = new AbortController()
    filters = wanted
    loadedAtMs = clock.currentTimeMs()
    batch(() => {
      entries.value = null
      waiting.value = []
      nextBefore.value = null
      error.value = null
    })
    await readPages(null)
  }
  const poll = async () => {
    const [shown, wanted] = [entries.peek(), filters]
    if (wanted === null || isLoading.peek() || waiting.peek().length >= maxNew) return
    // The first load has failed.
    if (shown === null) return readPages(null)
    await run(async (aborted) => {
      const known = [...waiting.peek(), ...shown]
      const newestMs = Math.max(loadedAtMs, ...known.slice(0, 1).map(({ at }) => Date.parse(at)))
      const found = await client.call('listAuditEntries', {
        query: { ...toQuery(wanted, clock.currentTimeMs(), newestMs - overlapMs), limit: maxNew },
        signal: aborted,
      })
      if (aborted.aborted) return
      const ids = new Set(known.map(({ id }) => id))
      const oldest = nextBefore.peek() === null ? '' : (shown.at(-1)?.at ?? '')
      const added = found.entries.filter(({ id, at }) => !ids.has(id) && at > oldest)
      if (added.length > 0) waiting.value = newestFirst([...waiting.peek(), ...added])
    })
  }
  return {
    entries,
    newCount: computed(() => Math.min(waiting.value.length, maxNew)),
    hasOlder: computed(() => nextBefore.value !== null),
    isLoading,
    error,
    load,
    poll,
    loadOlder: async () => {
      if (!isLoading.peek()) await readPages(nextBefore.peek())
    },
    showNew: async () => {
      // There may be entries between these and the shown ones.
      if (waiting.peek().length >= maxNew && filters !== null) return load(filters)
      batch(() => {
        entries.value = newestFirst([...waiting.peek(), ...(entries.peek() ?? [])])
        waiting.value = []
      })
    },
    close: () => current.abort(),
  }
}

const newestFirst = (entries: readonly AuditEntry[]) =>
  entries.toSorted((a, b) => (a.at === b.at ? b.id - a.id : a.at < b.at ? 1 : -1))
