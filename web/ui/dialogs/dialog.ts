/**
 * A modal dialog on the native `dialog` element, which traps and restores the focus. Escape calls `onClose`.
 */
import { html } from 'htm/preact'
import type { ComponentChildren, VNode } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'

type Props = {
  label: string
  variant: 'side-panel' | 'modal' | 'modal wide'
  onClose(): void
  children?: ComponentChildren
}

export function Dialog({ label, variant, onClose, children }: Props): VNode {
  const dialogRef = useRef<HTMLDialogElement>(null)
  const onCloseRef = useRef(onClose)
  onCloseRef.current = onClose
  useLayoutEffect(() => {
    const dialog = dialogRef.current
    if (dialog === null) return
    const previousFocus = document.activeElement
    // Escape must not close the dialog without confirmation. At a second Escape the browser closes it anyway;
    // it is then opened again.
    const onCancel = (event: Event) => {
      event.preventDefault()
      onCloseRef.current()
    }
    const onNativeClose = () => {
      dialog.showModal()
      onCloseRef.current()
    }
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key === 'Escape') onCancel(event)
    }
    dialog.addEventListener('cancel', onCancel)
    dialog.addEventListener('close', onNativeClose)
    dialog.addEventListener('keydown', onKeyDown)
    dialog.showModal()
    return () => {
      dialog.removeEventListener('close', onNativeClose)
      dialog.close()
      // What had it may be gone, such as the bar of a selection. The next Tab then starts in the content, not at the top of the page.
      if (previousFocus instanceof HTMLElement && previousFocus.isConnected) previousFocus.focus()
      else document.getElementById('content')?.focus()
    }
  }, [])
  return html`<dialog ref=${dialogRef} class=${variant} aria-label=${label}>${children}</dialog>`
}
