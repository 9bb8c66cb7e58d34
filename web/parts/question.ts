/** Draws the question that is open. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useWorld } from '../world.ts'
import { Dialog } from './dialog.ts'
import { ReasonField } from './reason.ts'

export function QuestionBox(): VNode | null {
  const { questions } = useWorld()
  const question = questions.open.value
  if (question === null) return null
  return html`<${Dialog} key=${question.title} kind="box" label=${question.title} onClose=${() => questions.answer(false)}>
    <h2>${question.title}</h2>
    <p>${question.text}</p>
    ${question.reason && html`<${ReasonField} reason=${question.reason} />`}
    <div class="buttons">
      <button type="button" onClick=${() => questions.answer(false)}>${question.no}</button>
      <button
        type="button"
        class=${question.danger ? 'primary danger' : 'primary'}
        onClick=${() => questions.answer(true)}
      >
        ${question.yes}
      </button>
    </div>
  <//>`
}
