/**
 * Brings the whole list into the store: at first, after a gap, and now and then while nothing arrives live. Sends
 * If-None-Match, so that mostly nothing is transferred. Asked by live.ts and by whoever cannot wait.
 */
import { type ReadonlySignal, signal } from '@preact/signals'
import type { FullInfo } from '../domain/shapes.ts'
import type { Client } from './api.ts'
import { type Problem, problemOfError } from './problem.ts'
import type { Store } from './store.ts'

export type Sync = {
  /** Null until the first list is there. */
  loaded: ReadonlySignal<boolean>
  /** Why the last attempt failed; null when it did not. */
  problem: ReadonlySignal<Problem | null>
  /** Fetches once more; a call while one runs waits for a fresh one. True: the store is up to date. */
  refresh(): Promise<boolean>
}

export function createSync(client: Client, store: Store): Sync {
  const loaded = signal(false)
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
        store.replace((await response.json()) as FullInfo[], mark)
        etag = response.headers.get('etag')
      }
      problem.value = null
      loaded.value = true
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
