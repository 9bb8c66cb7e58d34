/** How old what is on the screen may be: nothing while everything is heard live, else since the last word of the server. */
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
  return html`<p class="updated">Updated ${formatRelative(lastSyncedAt, isOld ? Date.now() : lastSyncedAt)}</p>`
}
