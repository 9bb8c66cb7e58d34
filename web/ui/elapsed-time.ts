/** Elapsed times that are updated every second, so that users see that something is still running. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useMemo } from 'preact/hooks'
import { useApp } from '../app-context.ts'
import { formatElapsed } from '../format.ts'

/** The time since this component was mounted. */
export function ElapsedTime(): VNode {
  const { clock } = useApp()
  const mountedAt = useMemo(() => new Date(clock.currentTimeMs()).toISOString(), [])
  return html`<span aria-hidden="true"><${ElapsedTimer} since=${mountedAt} /></span>`
}

/** The time since `since`, updated every second. */
export function ElapsedTimer({ since }: { since: string }): VNode {
  const { clock } = useApp()
  return html`<span class="elapsed">${formatElapsed(clock.now.value - Date.parse(since))}</span>`
}
