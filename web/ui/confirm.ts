/** Questions the person must answer before something goes on. parts/question.ts draws the one that is open. */
import { type ReadonlySignal, type Signal, signal } from '@preact/signals'

/** `reason`: where it is given, the person may write why. */
export type Confirmation = {
  title: string
  text: string
  confirmLabel: string
  cancelLabel: string
  danger: boolean
  reason?: Signal<string>
}

export type ConfirmController = {
  current: ReadonlySignal<Confirmation | null>
  confirm(question: Confirmation): Promise<boolean>
  respond(yes: boolean): void
}

export function createConfirmController(): ConfirmController {
  const current = signal<Confirmation | null>(null)
  let resolveCurrent: (yes: boolean) => void = () => {}
  const respond = (yes: boolean) => {
    current.value = null
    resolveCurrent(yes)
  }
  return {
    current,
    respond,
    confirm: (question) => {
      // A second question withdraws the first.
      respond(false)
      current.value = question
      return new Promise((resolve) => {
        resolveCurrent = resolve
      })
    },
  }
}
