/** The page for an unknown URL or a missing deployment. */
import { html } from 'htm/preact'
import type { ComponentChildren, VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import { homePath } from './routes.ts'
import { setBrowserTab } from './ui/browser-tab.ts'

/** `children`: further links. */
type Props = { title: string; text: string; children?: ComponentChildren }

export function NotFound({ title, text, children }: Props): VNode {
  useEffect(() => setBrowserTab(`${title} · Octopod`), [title])
  return html`<main class="narrow-page">
    <div class="empty-state">
      <h1>${title}</h1>
      <p class="hint">${text}</p>
      <p><a href=${homePath}>All deployments</a>${children}</p>
    </div>
  </main>`
}
