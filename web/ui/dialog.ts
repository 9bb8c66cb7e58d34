/** A modal dialog of the browser's own: it keeps the focus inside and gives it back. Escape asks `onClose`. */
import { html } from 'htm/preact'
import type { ComponentChildren, VNode } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'

type Props = { label: string; kind: 'panel' | 'box'; onClose(): void; children?: ComponentChildren }

export function Dialog({ label, kind, onClose, children }: Props): VNode {
  const dialogRef = useRef<HTMLDialogElement>(null)
  const onCloseRef = useRef(onClose)
  onCloseRef.current = onClose
  useLayoutEffect(() => {
    const dialog = dialogRef.current
    if (dialog === null) return
    const previousFocus = document.activeElement
    // The browser would close it without asking, at a second Escape whatever we say: then it is opened again.
    const onCancel = (event: Event) => {
      event.preventDefault()
      onCloseRef.current()
    }
    const onClosed = () => {
      dialog.showModal()
      onCloseRef.current()
    }
    const onKey = (event: KeyboardEvent) => {
      if (event.key === 'Escape') onCancel(event)
    }
    dialog.addEventListener('cancel', onCancel)
    dialog.addEventListener('close', onClosed)
    dialog.addEventListener('keydown', onKey)
    dialog.showModal()
    return () => {
      dialog.removeEventListener('close', onClosed)
      dialog.close()
      if (previousFocus instanceof HTMLElement) previousFocus.focus()
    }
  }, [])
  return html`<dialog ref=${dialogRef} class=${kind} aria-label=${label}>${children}</dialog>`
}
