/** How old what is on the screen may be: nothing while everything is heard live, else since the last word of the server. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { ago } from '../words.ts'
import { useWorld } from '../world.ts'

export function Updated(): VNode | null {
  const { live, sync, clock } = useWorld()
  const hearing = live.hearing.value
  // A word of a server that hears nothing itself is no news.
  const at = Math.max(sync.fetchedAt.value, hearing === 'delayed' ? 0 : live.heardAt.value)
  if (at === 0) return null
  const isOld = hearing !== 'live' && clock.moment.value > 0
  return html`<p class="updated">Updated ${ago(at, isOld ? Date.now() : at)}</p>`
}
