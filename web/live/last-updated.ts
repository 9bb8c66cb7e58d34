/** Shows when the data was last updated; while the connection is live, "just now". */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useApp } from '../app-context.ts'
import { formatRelative } from '../format.ts'

export function LastUpdated(): VNode | null {
  const { live, sync, clock } = useApp()
  const state = live.connectionState.value
  const lastSyncedAt = Math.max(sync.fetchedAt.value, live.lastSyncedAt.value)
  if (lastSyncedAt === 0) return null
  const isOld = state !== 'live' && clock.coarseNow.value > 0
  return html`<p class="updated" data-live=${state === 'live'}>Updated ${formatRelative(lastSyncedAt, isOld ? Date.now() : lastSyncedAt)}</p>`
}
