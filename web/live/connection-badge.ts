/**
 * The badge that shows the connection state and, while disconnected, the age of the data. A click
 * reconnects.
 */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useApp } from '../app-context.ts'

export function ConnectionBadge(): VNode {
  const { live, sync } = useApp()
  const state = live.connectionState.value
  const problem = live.websocketProblem.value
  const isStale = state === 'reconnecting' || state === 'offline'
  const lastSyncedAt = Math.max(sync.fetchedAt.value, live.lastSyncedAt.value)
  const since = isStale && lastSyncedAt > 0 ? new Date(lastSyncedAt).toLocaleTimeString() : null
  const title = isStale
    ? 'This data may be outdated. Press to reconnect.'
    : state === 'delayed'
      ? problem === null
        ? 'Changes appear some seconds late, because Redis is unreachable.'
        : `Changes appear up to 15 seconds late, because no websocket can be opened. ${problem}`.trim()
      : 'Changes appear automatically.'
  return html`<span role="status"><button type="button" class="badge" data-state=${state} title=${title} onClick=${live.reconnectIfStale}>
    <span class="badge-dot" aria-hidden="true"></span>
    <span>${state}</span>
    ${since !== null && html`<span class="badge-since">as of ${since}</span>`}
  </button></span>`
}
