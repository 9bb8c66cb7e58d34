/** Global keyboard shortcuts, and the table that `?` shows. Installed by main.ts. */

import type { AppContext } from './app-context.ts'
import { disabledReason } from './deployment/available-actions.ts'
import { runAction } from './deployment/run-action.ts'

/** The key as labelled on keyboards, and its effect. */
export const shortcuts = [
  ['n', 'New deployment'],
  ['/', 'Search the list'],
  ['e', 'Edit the config of the open deployment'],
  ['?', 'Show the keyboard shortcuts'],
  ['Space', 'Select the deployment whose checkbox has the focus'],
  ['↓ ↑', 'Next or previous checkbox; with Shift it is selected too'],
  ['Shift + click', 'Select all up to this deployment'],
  ['Ctrl + A', 'On a checkbox: select all'],
  ['b', 'Go to the bar of the selected deployments'],
  ['Esc', 'Close, or clear the selection; asks before unsaved changes are lost'],
  ['Enter', 'Add a new key, submit a dialog, go to the next match'],
  ['Ctrl + Enter', 'Submit the form from any field'],
  ['Shift + Enter', 'Previous match'],
  ['Shift + ↓', 'Select lines of the output'],
  ['Alt + ↓', 'Next error of the output'],
] as const

export function installKeyboardShortcuts(app: AppContext, document: Document): void {
  const handlers: Record<string, () => void> = {
    n: () => openNewDeployment(app),
    '/': () => document.querySelector<HTMLInputElement>('.search input')?.select(),
    e: () => editShownDeployment(app),
    b: () => document.querySelector<HTMLElement>('.bulk-bar button')?.focus({ preventScroll: true }),
    '?': () => {
      app.overlay.value = { type: 'shortcuts' }
    },
  }
  document.addEventListener('keydown', (event) => {
    const { target, key } = event
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return
    // No shortcuts while the user types or a dialog is open.
    if (
      target instanceof Element &&
      target.closest('input:not([type=checkbox]), textarea, select, [role=menu]')
    )
      return
    if (document.querySelector('dialog') !== null || handlers[key] === undefined) return
    // Nothing is there to work with.
    if (/signed_out|no_role/.test(app.identity.access.peek())) return
    event.preventDefault()
    handlers[key]()
  })
}

/** Also for the buttons that do the same. */
export function openNewDeployment({ identity, overlay, toasts }: AppContext): void {
  const refused = identity.refusal('create')
  if (refused === null) overlay.value = { type: 'new-deployment' }
  else toasts.showSuccess(refused)
}

function editShownDeployment(app: AppContext): void {
  const route = app.router.route.peek()
  const info = route.page === 'deployment' ? app.store.rows.get(route.name)?.peek() : undefined
  if (info === undefined) return
  const disabled = disabledReason('update', info, app.identity)
  if (disabled === null) void runAction(app, 'update', info)
  else app.toasts.showSuccess(disabled)
}
