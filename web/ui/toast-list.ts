/** Draws the toasts in a live region, so that screen readers announce them. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useApp } from '../app-context.ts'
import { Icon } from './icon.ts'

export function ToastList(): VNode {
  const { toasts } = useApp()
  return html`<div class="toasts" role="status" aria-live="polite">
    ${toasts.visible.value.map(
      ({ id, tone, text, hint, link }) => html`<div key=${id} class="toast" data-tone=${tone}>
        <div>
          <p>${text}</p>
          ${hint !== null && html`<p class="hint">${hint}</p>`}
          ${link !== null && html`<a href=${link.href} onClick=${() => toasts.dismiss(id)}>${link.text}</a>`}
        </div>
        <button type="button" class="icon-button" aria-label="Dismiss" onClick=${() => toasts.dismiss(id)}>
          <${Icon} name="close" />
        </button>
      </div>`,
    )}
  </div>`
}
