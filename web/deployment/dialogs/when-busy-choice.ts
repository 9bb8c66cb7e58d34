/** What happens when another action is under way: asked where a request would be refused as busy. Drawn by the form and the dialogs. */
import type { Signal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useId } from 'preact/hooks'
import { activeAction, statusOf } from '../../../client/action-outcome.ts'
import { type ActionKind, canReplace, type WhenBusy } from '../../../domain/actions.ts'
import { headers } from '../../../domain/endpoints.ts'
import type { FullInfo } from '../../../domain/schemas.ts'
import { isPending } from '../../../domain/statuses.ts'

/** `null`: nothing is asked, and the server decides as for clients that do not know the choice. */
export type WhenBusyAnswer = WhenBusy | null

const choices = [
  [
    'wait',
    'Wait',
    'It starts when the running action and its health check have ended. It takes the place of one that waits already.',
  ],
  ['replace', 'Replace', 'The running action is cancelled first. What its script has changed already stays.'],
  ['fail', 'Fail', 'Nothing is started while the other action runs.'],
] as const

/** Whether another action, or the health check after one, is under way. */
export const isBusy = (info: FullInfo | undefined): boolean =>
  info !== undefined && (activeAction(info) !== null || isPending(statusOf(info)))

/** `kind`: the action that is asked for. One that could not start after the other was cancelled is not offered to replace it. */
type Props = { answer: Signal<WhenBusyAnswer>; kind: ActionKind; title?: string }

export function WhenBusyChoice({ answer, kind, title = 'Another action is running' }: Props): VNode {
  const group = useId()
  const offered = choices.filter(([mode]) => mode !== 'replace' || canReplace(kind))
  return html`<fieldset class="when-busy">
    <legend>${title}</legend>
    ${offered.map(
      ([mode, label, text]) => html`<label key=${mode}>
        <input
          type="radio"
          name=${group}
          checked=${answer.value === mode}
          onChange=${() => {
            answer.value = mode
          }}
        />
        <span><strong>${label}</strong> <small>${text}</small></span>
      </label>`,
    )}
  </fieldset>`
}

export const whenBusyHeader = (answer: WhenBusyAnswer): Record<string, string> =>
  answer === null ? {} : { [headers.whenBusy]: answer }

/** What is said of an accepted action. `subject`: as `The update of shop`. */
export function acceptedText(subject: string, answer: WhenBusyAnswer): string {
  if (answer === 'wait') return `${subject} starts when the running action and its health check have ended.`
  return answer === 'replace'
    ? `${subject} takes the place of the running action.`
    : `${subject} was accepted.`
}
