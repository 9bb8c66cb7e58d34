/**
 * Loads the complete list into the store: at start, after a gap, and periodically while the live connection
 * is down. Sends If-None-Match, so an unchanged list is not transferred. Called by live-connection.ts and
 * after the user's own actions.
 */
import { type ReadonlySignal, signal } from '@preact/signals'
import { headers } from '../../domain/endpoints.ts'
import type { ApiClient } from '../api/client.ts'
import { type ApiError, toApiError } from '../api/errors.ts'
import type { DeploymentStore } from './deployment-store.ts'
import { streamJsonArray } from './stream-json-array.ts'

export type ListSync = {
  /** True when there are rows to show. */
  hasData: ReadonlySignal<boolean>
  /** True after a complete list has been read. */
  isComplete: ReadonlySignal<boolean>
  /** Time of the last successful fetch, by the browser's clock in ms; 0: never. */
  fetchedAt: ReadonlySignal<number>
  /** Which deployments the caller may see, as the last list said; null: not known. */
  view(): string | null
  /** Error of the last attempt; null after success. */
  error: ReadonlySignal<ApiError | null>
  /**
   * Fetches the list. A call during a running fetch waits for the next one. Returns true when the store is
   * up to date.
   */
  refresh(): Promise<boolean>
}

export function createListSync(client: ApiClient, store: DeploymentStore): ListSync {
  const hasData = signal(false)
  const isComplete = signal(false)
  const fetchedAt = signal(0)
  const error = signal<ApiError | null>(null)
  let etag: string | null = null
  let view: string | null = null
  let running: Promise<boolean> | null = null
  let next: Promise<boolean> | null = null

  const fetchList = async (): Promise<boolean> => {
    try {
      const snapshotToken = store.snapshotToken()
      const response = await client.fetch('listDeployments', {
        headers: etag === null ? {} : { 'If-None-Match': etag },
      })
      if (response.status !== 304) {
        const names = new Set<string>()
        for await (const rows of streamJsonArray(response)) {
          store.upsertMany(rows, snapshotToken)
          for (const { deployment } of rows) names.add(deployment.name)
          hasData.value ||= rows.length > 0
        }
        store.removeMissing(names, snapshotToken)
        etag = response.headers.get('etag')
      }
      view = response.headers.get(headers.view)
      error.value = null
      fetchedAt.value = Date.now()
      hasData.value = isComplete.value = true
      return true
    } catch (caught) {
      error.value = toApiError(caught)
      return false
    }
  }

  const start = (): Promise<boolean> => {
    running = fetchList().finally(() => {
      running = null
    })
    return running
  }

  return {
    hasData,
    isComplete,
    fetchedAt,
    view: () => view,
    error,
    refresh: () => {
      if (running === null) return start()
      next ??= running.then(() => {
        next = null
        return start()
      })
      return next
    },
  }
}
