/**
 * Confirmation of user actions: `confirm` opens the dialog and resolves with the answer. confirm-dialog.ts
 * draws it.
 */

import { type ReadonlySignal, type Signal, signal } from '@preact/signals'
import type { ActionKind } from '../../../domain/actions.ts'
import type { WhenBusyAnswer } from '../../deployment/dialogs/when-busy-choice.ts'

/** `reason`: when set, the dialog shows a field for a reason. */
export type Confirmation = {
  title: string
  text: string
  confirmLabel: string
  cancelLabel: string
  danger: boolean
  reason?: Signal<string>
  /** Must be entered before the answer is accepted. */
  typedName?: string
  /** When set, the dialog asks what an action of this kind does while another one runs. */
  whenBusy?: { answer: Signal<WhenBusyAnswer>; kind: ActionKind }
}

export type ConfirmController = {
  current: ReadonlySignal<Confirmation | null>
  confirm(confirmation: Confirmation): Promise<boolean>
  respond(confirmed: boolean): void
}

export function createConfirmController(): ConfirmController {
  const current = signal<Confirmation | null>(null)
  let resolveCurrent: (confirmed: boolean) => void = () => {}
  const respond = (confirmed: boolean) => {
    current.value = null
    resolveCurrent(confirmed)
  }
  return {
    current,
    respond,
    confirm: (confirmation) => {
      // A new confirmation cancels the open one.
      respond(false)
      current.value = confirmation
      return new Promise((resolve) => {
        resolveCurrent = resolve
      })
    },
  }
}
