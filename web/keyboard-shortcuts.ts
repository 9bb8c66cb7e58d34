/** What keys do anywhere on the page, and the table of all of them that `?` shows. Opened by main.ts. */

import type { AppContext } from './app-context.ts'
import { disabledReason } from './deployment/available-actions.ts'
import { runAction } from './deployment/run-action.ts'

/** Key, as it is written on keyboards, and what it does. */
export const shortcuts = [
  ['n', 'New deployment'],
  ['/', 'Search the list'],
  ['e', 'Edit the config of the deployment you look at'],
  ['?', 'Show this table'],
  ['Esc', 'Close; asks before anything is lost'],
  ['Enter', 'Add a new key, send a form, next match of a search'],
  ['Ctrl + Enter', 'Send the form, from any field'],
  ['Shift + Enter', 'Previous match'],
] as const

export function installKeyboardShortcuts(app: AppContext, document: Document): void {
  const handlers: Record<string, () => void> = {
    n: () => {
      app.overlay.value = { panel: 'new' }
    },
    '/': () => document.querySelector<HTMLInputElement>('.search input')?.select(),
    e: () => editShownDeployment(app),
    '?': () => {
      app.overlay.value = { panel: 'shortcuts' }
    },
  }
  document.addEventListener('keydown', (event) => {
    const { target, key } = event
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return
    // Where one types, letters are letters; what lies on top is dealt with first.
    if (target instanceof Element && target.closest('input, textarea, select, [role=menu]')) return
    if (document.querySelector('dialog') !== null || handlers[key] === undefined) return
    event.preventDefault()
    handlers[key]()
  })
}

function editShownDeployment(app: AppContext): void {
  const route = app.router.route.peek()
  const info = route.page === 'deployment' ? app.store.rows.get(route.name)?.peek() : undefined
  if (info === undefined) return
  const disabled = disabledReason('update', info, true)
  if (disabled === null) void runAction(app, 'update', info)
  else app.toasts.showSuccess(disabled)
}
