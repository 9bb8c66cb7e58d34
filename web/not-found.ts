/** An address that leads nowhere. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'

export function NotFound({ title, text }: { title: string; text: string }): VNode {
  return html`<main class="narrow">
    <div class="nothing">
      <h1>${title}</h1>
      <p class="remedy">${text}</p>
      <p><a href="/">All deployments</a></p>
    </div>
  </main>`
}
