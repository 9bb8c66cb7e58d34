/** Tells the truth about what is on the screen: live, or how old. A press tries at once. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useWorld } from '../world.ts'

export function Badge(): VNode {
  const { live, sync } = useWorld()
  const hearing = live.hearing.value
  const stale = hearing === 'reconnecting' || hearing === 'offline'
  const at = Math.max(sync.fetchedAt.value, live.heardAt.value)
  const since = stale && at > 0 ? new Date(at).toLocaleTimeString() : null
  const title = stale
    ? 'What you see may be old. Press to try now.'
    : `Changes appear by themselves${hearing === 'delayed' ? ', some seconds late: Redis is away' : ''}.`
  return html`<span role="status"><button type="button" class="badge" data-hearing=${hearing} title=${title} onClick=${live.wake}>
    <span class="badge-dot" aria-hidden="true"></span>
    <span>${hearing}</span>
    ${since !== null && html`<span class="badge-since">as of ${since}</span>`}
  </button></span>`
}
