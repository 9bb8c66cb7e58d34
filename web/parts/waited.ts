/** How long something is waited for already: nobody should wonder whether it still goes on. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useMemo } from 'preact/hooks'
import { useWorld } from '../world.ts'
import { Since } from './status.ts'

export function Waited(): VNode {
  const { clock } = useWorld()
  const since = useMemo(() => new Date(clock.now()).toISOString(), [])
  return html`<span aria-hidden="true"><${Since} at=${since} /></span>`
}
