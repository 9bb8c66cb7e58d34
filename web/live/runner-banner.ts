/** The banner that no runner is connected, at the lower edge of the window, where it moves nothing. Drawn by app.ts. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useApp } from '../app-context.ts'

export function RunnerBanner(): VNode {
  const { live } = useApp()
  // Without a connection the last word of the server may be wrong.
  const isShown = live.runnerMissing.value && live.connectionState.value === 'live'
  return html`<div class="banner" role="status">
    ${isShown && html`<p><strong>No runner is connected.</strong> Actions wait until one is. Contact your DevOps engineer.</p>`}
  </div>`
}
