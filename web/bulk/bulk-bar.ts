/** The bar of the selected deployments: how many there are, what can be done with all of them, and the change that is under way. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import { type BulkOperation, bulkOperations, rightOfOperation } from '../../domain/changes/bulk-operations.ts'
import { type AppContext, useApp } from '../app-context.ts'
import { pluralize } from '../format.ts'
import { GuardedButton } from '../ui/guarded-button.ts'
import { Icon } from '../ui/icon.ts'
import { Menu } from '../ui/menu.ts'
import type { BulkTask } from './bulk-task.ts'
import { openTask } from './open-task.ts'
import { operationWords, withForm } from './operations.ts'

/** On a narrow screen the others are in a menu. */
const firstOperations: readonly BulkOperation[] = ['archive', 'restore', 'label']
const narrowQuery = '(max-width: 940px)'

/** `hidden`: how many of the selected deployments the list does not show. */
export function BulkBar({ hidden }: { hidden: number }): VNode {
  const app = useApp()
  const { bulk, selection } = app
  const task = bulk.value
  const isUnderWay = task !== null && task.run.value !== null && !task.hasEnded.value
  if (isUnderWay) return html`<${Progress} task=${task} />`
  const count = selection.names.value.size
  return html`<div class="bulk-bar" role="toolbar" aria-label="Selected deployments" onKeyDown=${onToolbarKey}>
    <p class="bulk-count">
      <strong>${count.toLocaleString()} selected</strong>
      ${hidden > 0 && html`<small title="The search, a filter or the switch Archived hides them.">${hidden.toLocaleString()} not shown</small>`}
    </p>
    <${Operations} app=${app} />
    <button type="button" class="icon-button" aria-label="Clear the selection" title="Clear the selection (Esc)" onClick=${selection.clear}>
      <${Icon} name="close" />
    </button>
  </div>`
}

function Operations({ app }: { app: AppContext }): VNode {
  const { identity, selection } = app
  const isNarrow = useIsNarrow()
  const open = (operation: BulkOperation) => {
    const change = withForm.has(operation) ? undefined : { operation }
    openTask(app, operation, [...selection.names.peek()], change)
  }
  const refused = (operation: BulkOperation) => identity.refusal(rightOfOperation[operation])
  const shown = isNarrow ? firstOperations : bulkOperations
  const items = () =>
    bulkOperations
      .filter((operation) => !shown.includes(operation))
      .map((operation) => ({
        text: operationWords[operation].button,
        disabledReason: refused(operation),
        onSelect: () => open(operation),
      }))
  return html`<div class="bulk-operations">
    ${shown.map((operation) => html`<${GuardedButton} key=${operation} text=${operationWords[operation].button} refused=${refused(operation)} onClick=${() => open(operation)} />`)}
    ${isNarrow && html`<${Menu} label="More for the selected deployments" items=${items} />`}
  </div>`
}

function useIsNarrow(): boolean {
  const isNarrow = useSignal(matchMedia(narrowQuery).matches)
  useEffect(() => {
    const closing = new AbortController()
    matchMedia(narrowQuery).addEventListener(
      'change',
      ({ matches }) => {
        isNarrow.value = matches
      },
      closing,
    )
    return () => closing.abort()
  }, [])
  return isNarrow.value
}

/** As in every toolbar: the arrow keys move between its buttons. */
function onToolbarKey(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  const buttons = [...event.currentTarget.querySelectorAll<HTMLElement>('button:not([role=menuitem])')]
  const current = buttons.indexOf(event.target as HTMLElement)
  const next = { ArrowRight: current + 1, ArrowLeft: current - 1, Home: 0, End: -1 }[event.key]
  if (next === undefined || current === -1) return
  event.preventDefault()
  buttons.at(next % buttons.length)?.focus()
}

/** While the dialog is closed. */
function Progress({ task }: { task: BulkTask }): VNode | null {
  const { overlay } = useApp()
  const run = task.run.value
  if (run === null) return null
  const [done, total] = [run.lines.value.length, run.names.length]
  const text = `${operationWords[task.operation].phrase} ${pluralize(total, 'deployment')}`
  const show = () => {
    overlay.value = { type: 'bulk' }
  }
  return html`<div class="bulk-bar" role="group" aria-label=${text}>
    <p class="bulk-count"><strong>${text}</strong> <small>${done.toLocaleString()} of ${total.toLocaleString()}${run.phase.value !== 'running' && ', stopped'}</small></p>
    <progress max=${total} value=${done} aria-label=${text}></progress>
    <button type="button" onClick=${show}>Show</button>
  </div>`
}
