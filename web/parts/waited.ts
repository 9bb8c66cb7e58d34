/** How long something is waited for already: nobody should wonder whether it still goes on. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { elapsed } from '../words.ts'
import { useWorld } from '../world.ts'

export function Waited(): VNode {
  const { clock } = useWorld()
  const [since] = useState(clock.now)
  return html`<span class="since" aria-hidden="true">${elapsed(clock.second.value - since)}</span>`
}
