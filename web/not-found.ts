/** The page for an unknown URL or a missing deployment. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import { setBrowserTab } from './ui/browser-tab.ts'

export function NotFound({ title, text }: { title: string; text: string }): VNode {
  useEffect(() => setBrowserTab(`${title} · Octopod`), [title])
  return html`<main class="narrow-page">
    <div class="empty-state">
      <h1>${title}</h1>
      <p class="hint">${text}</p>
      <p><a href="/">All deployments</a></p>
    </div>
  </main>`
}
