/** A button that copies a text. It says for a moment that it has. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { Icon } from './icon.ts'

/** `label`: what is copied, such as `Copy https://shop.example`. */
export function CopyButton({ text, label }: { text: string; label: string }): VNode {
  const isCopied = useSignal(false)
  const copy = async () => {
    isCopied.value = await copyText(text)
    setTimeout(() => {
      isCopied.value = false
    }, 2000)
  }
  return html`<button type="button" class="icon-button copy-button" aria-label=${label} title="Copy" onClick=${() => void copy()}>
    <${Icon} name=${isCopied.value ? 'check' : 'copy'} /><span class="visually-hidden" role="status">${isCopied.value ? 'Copied' : ''}</span>
  </button>`
}

/** Browsers offer the clipboard only over https and on this machine; elsewhere a selected field is copied. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const field = document.createElement('textarea')
    field.value = text
    field.readOnly = true
    const previous = document.activeElement
    // Inside an open dialog, because everything outside it takes no focus.
    const container = previous?.closest('dialog') ?? document.body
    container.append(field)
    field.select()
    const isCopied = document.execCommand('copy')
    field.remove()
    if (previous instanceof HTMLElement) previous.focus()
    return isCopied
  }
}
