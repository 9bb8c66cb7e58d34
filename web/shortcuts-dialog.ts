/** The dialog with the table of keyboard shortcuts. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useApp } from './app-context.ts'
import { shortcuts } from './keyboard-shortcuts.ts'
import { Dialog } from './ui/dialogs/dialog.ts'

export function ShortcutsDialog(): VNode {
  const { overlay } = useApp()
  const close = () => {
    overlay.value = null
  }
  return html`<${Dialog} variant="modal" label="Keyboard shortcuts" onClose=${close}>
    <h2>Keyboard shortcuts</h2>
    <dl class="shortcuts">
      ${shortcuts.map(
        ([key, description]) => html`<div key=${key}>
          <dt><kbd>${key}</kbd></dt>
          <dd>${description}</dd>
        </div>`,
      )}
    </dl>
    <div class="buttons"><button type="button" onClick=${close}>Close</button></div>
  <//>`
}
