/** A page without a browser: the page's own store, list and websocket, moving to another server when its own is gone. */

import { pathOf } from '../../../domain/places.ts'
import type { FullInfo } from '../../../domain/shapes.ts'
import type { Client } from '../../../web/api.ts'
import { openLive, type Socket } from '../../../web/live.ts'
import { createStore } from '../../../web/store.ts'
import { createSync } from '../../../web/sync.ts'
import { statusOf } from '../../../web/words.ts'
import type { Standing, Viewer } from '../checker/history.ts'
import { nowMs } from './clock.ts'
import { adminHeader } from './programs.ts'
import type { Random } from './random.ts'

export type OpenViewer = { seen(): Viewer; close(): void }

export function openViewer(name: string, urls: () => string[], random: Random): OpenViewer {
  const store = createStore()
  const shown: Viewer['shown'] = []
  store.watch((names) => {
    for (const deployment of names) {
      const row = store.rows.get(deployment)
      shown.push({ atMs: nowMs(), deployment, revision: row?.peek().revision ?? null })
    }
  })
  const url = () => (urls().length === 0 ? 'http://127.0.0.1:9' : random.pick(urls()))
  const open = async (...[place, options]: Parameters<Client['open']>) => {
    const headers = { Authorization: adminHeader, ...options?.headers }
    const response = await fetch(url() + pathOf(place), { headers, signal: AbortSignal.timeout(10_000) })
    if (!response.ok && response.status !== 304) throw new Error(`${place}: ${response.status}`)
    return response
  }
  const sync = createSync({ open } as Client, store)
  const live = openLive({
    connect: () => {
      // Node's own websocket, as the browser's: only its type lets more through.
      const socket = new WebSocket(`${url().replace('http', 'ws')}/event`)
      return socket as unknown as Socket
    },
    apply: store.apply,
    refresh: sync.refresh,
    random: () => 0,
  })
  return {
    seen: () => ({
      name,
      shown,
      atTheEnd: Object.fromEntries([...store.rows].map(([at, row]) => [at, standingOf(row.peek())])),
    }),
    close: live.close,
  }
}

function standingOf(info: FullInfo): Standing {
  const { revision, last_action: last } = info
  return { revision, status: statusOf(info), action: last?.action_id ?? null, state: last?.state ?? null }
}
