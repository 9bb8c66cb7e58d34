/** Tells the truth about what is on the screen: live, or how old. A press tries at once. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useApp } from '../app-context.ts'

export function ConnectionBadge(): VNode {
  const { live, sync } = useApp()
  const state = live.connectionState.value
  const isStale = state === 'reconnecting' || state === 'offline'
  const lastSyncedAt = Math.max(sync.fetchedAt.value, live.lastSyncedAt.value)
  const since = isStale && lastSyncedAt > 0 ? new Date(lastSyncedAt).toLocaleTimeString() : null
  const title = isStale
    ? 'What you see may be old. Press to try now.'
    : `Changes appear by themselves${state === 'delayed' ? ', some seconds late: Redis is away' : ''}.`
  return html`<span role="status"><button type="button" class="badge" data-hearing=${state} title=${title} onClick=${live.reconnectIfStale}>
    <span class="badge-dot" aria-hidden="true"></span>
    <span>${state}</span>
    ${since !== null && html`<span class="badge-since">as of ${since}</span>`}
  </button></span>`
}
