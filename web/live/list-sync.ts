/**
 * Brings the whole list into the store: at first, after a gap, and now and then while nothing arrives live. Sends
 * If-None-Match, so that mostly nothing is transferred. Asked by live-connection.ts and by whoever cannot wait.
 */
import { type ReadonlySignal, signal } from '@preact/signals'
import type { ApiClient } from '../api/client.ts'
import { type ApiError, toApiError } from '../api/errors.ts'
import type { DeploymentStore } from './deployment-store.ts'
import { streamJsonArray } from './stream-json-array.ts'

export type ListSync = {
  /** Whether there is something to show. */
  hasData: ReadonlySignal<boolean>
  /** Whether a whole list has been read. */
  isComplete: ReadonlySignal<boolean>
  /** When the list was last known to be up to date, in the browser's time; 0: never. */
  fetchedAt: ReadonlySignal<number>
  /** Why the last attempt failed; null when it did not. */
  problem: ReadonlySignal<ApiError | null>
  /** Fetches once more; a call while one runs waits for a fresh one. True: the store is up to date. */
  refresh(): Promise<boolean>
}

export function createListSync(client: ApiClient, store: DeploymentStore): ListSync {
  const hasData = signal(false)
  const isComplete = signal(false)
  const fetchedAt = signal(0)
  const problem = signal<ApiError | null>(null)
  let etag: string | null = null
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
        for await (const part of streamJsonArray(response)) {
          store.upsertMany(part)
          for (const { deployment } of part) names.add(deployment.name)
          hasData.value ||= part.length > 0
        }
        store.removeMissing(names, snapshotToken)
        etag = response.headers.get('etag')
      }
      problem.value = null
      fetchedAt.value = Date.now()
      hasData.value = isComplete.value = true
      return true
    } catch (error) {
      problem.value = toApiError(error)
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
    problem,
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
