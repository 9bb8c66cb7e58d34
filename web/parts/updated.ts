/** How old what is on the screen may be: nothing while everything is heard live, else since the last word of the server. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { ago } from '../words.ts'
import { useWorld } from '../world.ts'

export function Updated(): VNode | null {
  const { live, sync, clock } = useWorld()
  const hearing = live.hearing.value
  const at = Math.max(sync.fetchedAt.value, live.heardAt.value)
  if (at === 0) return null
  const isOld = hearing !== 'live' && clock.moment.value > 0
  return html`<p class="updated">Updated ${ago(at, isOld ? Date.now() : at)}</p>`
}
