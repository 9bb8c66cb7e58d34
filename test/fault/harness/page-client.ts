/**
 * A page without a browser: the list store, list sync and live connection of the web page. It connects to
 * another server when its own is down.
 */

import { statusOf } from '../../../client/action-outcome.ts'
import type { ApiClient } from '../../../client/call-endpoint.ts'
import { buildPath } from '../../../domain/endpoints.ts'
import type { FullInfo } from '../../../domain/schemas.ts'
import { createDeploymentStore } from '../../../web/live/deployment-store.ts'
import { createListSync } from '../../../web/live/list-sync.ts'
import { openLiveConnection, type Socket } from '../../../web/live/live-connection.ts'
import type { DeploymentSnapshot, PageRecord } from '../checker/history.ts'
import { nowMs } from './clock.ts'
import { adminHeader } from './programs.ts'
import type { Random } from './random.ts'

export type PageClient = {
  /** What it has shown so far. */
  recorded(): PageRecord
  close(): void
}

export function openPageClient(name: string, serverUrls: () => string[], random: Random): PageClient {
  const store = createDeploymentStore()
  const shownRevisions: PageRecord['shownRevisions'] = []
  store.onChange((names) => {
    for (const deployment of names) {
      const row = store.rows.get(deployment)
      shownRevisions.push({ atMs: nowMs(), deployment, revision: row?.peek().revision ?? null })
    }
  })
  const url = () => (serverUrls().length === 0 ? 'http://127.0.0.1:9' : random.pick(serverUrls()))
  const open = async (...[endpoint, options]: Parameters<ApiClient['fetch']>) => {
    const headers = { Authorization: adminHeader, ...options?.headers }
    const response = await fetch(url() + buildPath(endpoint), {
      headers,
      signal: AbortSignal.timeout(10_000),
    })
    if (!response.ok && response.status !== 304) throw new Error(`${endpoint}: ${response.status}`)
    return response
  }
  const sync = createListSync({ fetch: open } as unknown as ApiClient, store)
  const live = openLiveConnection({
    connect: () => {
      // The WebSocket of Node works like the one of a browser; only its type is wider.
      const socket = new WebSocket(`${url().replace('http', 'ws')}/event`)
      return socket as unknown as Socket
    },
    apply: store.apply,
    refresh: sync.refresh,
    random: () => 0,
  })
  return {
    recorded: () => ({
      name,
      shownRevisions,
      finalState: Object.fromEntries(
        [...store.rows].map(([deployment, row]) => [deployment, snapshotOf(row.peek())]),
      ),
    }),
    close: live.close,
  }
}

function snapshotOf(info: FullInfo): DeploymentSnapshot {
  const { revision, last_action: last } = info
  return { revision, status: statusOf(info), action: last?.action_id ?? null, state: last?.state ?? null }
}
