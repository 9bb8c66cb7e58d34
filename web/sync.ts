/**
 * Brings the whole list into the store: at first, after a gap, and now and then while nothing arrives live. Sends
 * If-None-Match, so that mostly nothing is transferred. Asked by live.ts and by whoever cannot wait.
 */
import { type ReadonlySignal, signal } from '@preact/signals'
import type { Client } from './api.ts'
import { partsOf } from './parts-of-list.ts'
import { type Problem, problemOfError } from './problem.ts'
import type { Store } from './store.ts'

export type Sync = {
  /** Whether there is something to show. */
  loaded: ReadonlySignal<boolean>
  /** Whether a whole list has been read. */
  complete: ReadonlySignal<boolean>
  /** When the list was last known to be up to date, in the browser's time; 0: never. */
  fetchedAt: ReadonlySignal<number>
  /** Why the last attempt failed; null when it did not. */
  problem: ReadonlySignal<Problem | null>
  /** Fetches once more; a call while one runs waits for a fresh one. True: the store is up to date. */
  refresh(): Promise<boolean>
}

export function createSync(client: Client, store: Store): Sync {
  const loaded = signal(false)
  const complete = signal(false)
  const fetchedAt = signal(0)
  const problem = signal<Problem | null>(null)
  let etag: string | null = null
  let running: Promise<boolean> | null = null
  let next: Promise<boolean> | null = null

  const fetchList = async (): Promise<boolean> => {
    try {
      const mark = store.mark()
      const response = await client.open('listDeployments', {
        headers: etag === null ? {} : { 'If-None-Match': etag },
      })
      if (response.status !== 304) {
        const names = new Set<string>()
        for await (const part of partsOf(response)) {
          store.merge(part)
          for (const { deployment } of part) names.add(deployment.name)
          loaded.value ||= part.length > 0
        }
        store.keep(names, mark)
        etag = response.headers.get('etag')
      }
      problem.value = null
      fetchedAt.value = Date.now()
      loaded.value = complete.value = true
      return true
    } catch (error) {
      problem.value = problemOfError(error)
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
    loaded,
    complete,
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
