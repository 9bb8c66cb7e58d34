/** Draws the toasts in a live region, so that screen readers announce them. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useApp } from '../app-context.ts'
import { Icon } from './icon.ts'
import type { Toast } from './toasts.ts'

export function ToastList(): VNode {
  const { toasts } = useApp()
  return html`<div class="toasts" role="status" aria-live="polite">
    ${toasts.visible.value.map(
      ({ id, tone, text, hint, link }) => html`<div key=${id} class="toast" data-tone=${tone}>
        <div>
          <p>${text}</p>
          ${hint !== null && html`<p class="hint">${hint}</p>`}
          ${link !== null && html`<${ToastLink} link=${link} dismiss=${() => toasts.dismiss(id)} />`}
        </div>
        <button type="button" class="icon-button" aria-label="Dismiss" onClick=${() => toasts.dismiss(id)}>
          <${Icon} name="close" />
        </button>
      </div>`,
    )}
  </div>`
}

function ToastLink({ link, dismiss }: { link: NonNullable<Toast['link']>; dismiss: () => void }): VNode {
  if ('href' in link) return html`<a href=${link.href} onClick=${dismiss}>${link.text}</a>`
  const open = () => {
    dismiss()
    link.onOpen()
  }
  return html`<button type="button" class="row-link" onClick=${open}>${link.text}</button>`
}
