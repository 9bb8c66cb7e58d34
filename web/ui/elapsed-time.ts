/** How long something is waited for already: nobody should wonder whether it still goes on. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useMemo } from 'preact/hooks'
import { useApp } from '../app-context.ts'
import { ElapsedTimer } from '../deployment/status-badge.ts'

export function ElapsedTime(): VNode {
  const { clock } = useApp()
  const mountedAt = useMemo(() => new Date(clock.currentTimeMs()).toISOString(), [])
  return html`<span aria-hidden="true"><${ElapsedTimer} at=${mountedAt} /></span>`
}
