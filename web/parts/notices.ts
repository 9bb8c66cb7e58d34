/** Draws the short messages; screen readers hear them. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useWorld } from '../world.ts'
import { Icon } from './icon.ts'

export function NoticeList(): VNode {
  const { notices } = useWorld()
  return html`<div class="notices" role="status" aria-live="polite">
    ${notices.shown.value.map(
      ({ id, tone, text, remedy }) => html`<div key=${id} class="notice" data-tone=${tone}>
        <div>
          <p>${text}</p>
          ${remedy !== null && html`<p class="remedy">${remedy}</p>`}
        </div>
        <button type="button" class="icon-button" aria-label="Dismiss" onClick=${() => notices.dismiss(id)}>
          <${Icon} name="close" />
        </button>
      </div>`,
    )}
  </div>`
}
