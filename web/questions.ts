/** Questions the person must answer before something goes on. parts/question.ts draws the one that is open. */
import { type ReadonlySignal, type Signal, signal } from '@preact/signals'

/** `reason`: where it is given, the person may write why. */
export type Question = {
  title: string
  text: string
  yes: string
  no: string
  danger: boolean
  reason?: Signal<string>
}

export type Questions = {
  open: ReadonlySignal<Question | null>
  ask(question: Question): Promise<boolean>
  answer(yes: boolean): void
}

export function createQuestions(): Questions {
  const open = signal<Question | null>(null)
  let settle: (yes: boolean) => void = () => {}
  const answer = (yes: boolean) => {
    open.value = null
    settle(yes)
  }
  return {
    open,
    answer,
    ask: (question) => {
      // A second question withdraws the first.
      answer(false)
      open.value = question
      return new Promise((resolve) => {
        settle = resolve
      })
    },
  }
}
