/** A modal dialog of the browser's own: it keeps the focus inside and gives it back. Escape asks `onClose`. */
import { html } from 'htm/preact'
import type { ComponentChildren, VNode } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

type Props = { label: string; kind: 'panel' | 'box'; onClose(): void; children?: ComponentChildren }

export function Dialog({ label, kind, onClose, children }: Props): VNode {
  const place = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const dialog = place.current
    const before = document.activeElement
    dialog?.showModal()
    return () => {
      dialog?.close()
      if (before instanceof HTMLElement) before.focus()
    }
  }, [])
  return html`<dialog
    ref=${place}
    class=${kind}
    aria-label=${label}
    onCancel=${(event: Event) => event.preventDefault()}
    onKeyDown=${(event: KeyboardEvent) => {
      if (event.key !== 'Escape') return
      // The browser's own way would close it without asking.
      event.preventDefault()
      event.stopPropagation()
      onClose()
    }}
  >
    ${children}
  </dialog>`
}
