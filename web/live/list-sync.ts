/**
 * Loads the complete list into the store: at start, after a gap, and periodically while the live connection
 * is down. Sends If-None-Match, so an unchanged list is not transferred. Called by live-connection.ts and
 * after the user's own actions.
 */
import { type ReadonlySignal, signal } from '@preact/signals'
import type { ApiClient, ApiResponse } from '../../client/call-endpoint.ts'
import { ApiError, toApiError } from '../../client/errors.ts'
import { readLines } from '../../client/read-lines.ts'
import { headers, lineType } from '../../domain/endpoints.ts'
import type { FullInfo } from '../../domain/schemas.ts'
import { delay } from '../../lib/delay.ts'
import type { DeploymentStore } from './deployment-store.ts'

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
        headers: { Accept: lineType, ...(etag !== null && { 'If-None-Match': etag }) },
      })
      if (response.status !== 304) {
        const names = new Set<string>()
        for await (const rows of readRows(response)) {
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

/** The first rows fill a screen; later parts take some milliseconds, and the browser can draw and handle input between them. */
const firstPartRows = 50
const partRows = 1000

async function* readRows(response: ApiResponse): AsyncGenerator<FullInfo[], void> {
  // A server of the last release sends one JSON array.
  if (!response.headers.get('content-type')?.startsWith(lineType)) {
    yield JSON.parse(await response.text())
    return
  }
  let rows: FullInfo[] = []
  let targetRows = firstPartRows
  for await (const line of readLines(response.body)) {
    if (line === '') return yield rows
    if (rows.push(JSON.parse(line)) < targetRows) continue
    yield rows
    rows = []
    targetRows = partRows
    await delay(0)
  }
  throw new ApiError('unreachable', 'The list of deployments ended before its end.')
}
