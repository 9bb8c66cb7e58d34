/** The foot of the form: what was edited, why, what is wrong, and the button that sends it. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { Changes } from '../parts/changes.ts'
import { ProblemBox } from '../parts/problem.ts'
import { ReasonField } from '../parts/reason.ts'
import { Waited } from '../parts/waited.ts'
import type { Form } from './form.ts'

/** So many keys are named; the rest is counted. */
const named = 4

export function Foot({ form, close }: { form: Form; close: () => void }): VNode {
  const obstacle = form.obstacle.value
  const problem = form.problem.value
  const sending = form.sending.value
  const toldElsewhere = !form.dirty.value || sending || obstacle === form.nameProblem.value
  const verb = form.isNew ? 'Create' : 'Save and update'
  const edited = [...form.application.touched.value, ...form.deployment.touched.value]
  return html`<footer class="sheet-foot">
    ${
      problem !== null &&
      html`<${ProblemBox}
        problem=${problem}
        title=${problem.code === 'config_refused' ? 'The config check says no' : undefined}
      />`
    }
    <${Meanwhile} form=${form} />
    ${!form.isNew && form.dirty.value && html`<${ReasonField} reason=${form.reason} />`}
    <div class="buttons">
      <span class="why-not">
        <span id="obstacle">${toldElsewhere ? '' : obstacle}</span>
        ${(toldElsewhere || obstacle === null) && edited.length > 0 && editedWords(edited)}
      </span>
      <button type="button" onClick=${close}>Cancel</button>
      <button
        type="submit"
        class="primary"
        aria-disabled=${obstacle !== null}
        aria-describedby="obstacle"
        aria-keyshortcuts="Control+Enter"
        title=${obstacle ?? 'Ctrl + Enter'}
      >
        ${sending ? html`Checking config <${Waited} />` : verb}
      </button>
    </div>
  </footer>`
}

/** Two people edit at once: nobody's work may be lost unseen. */
function Meanwhile({ form: { meanwhile, takeOver } }: { form: Form }): VNode | null {
  if (meanwhile.value.length === 0) return null
  // The button goes with what it did: the keyboard goes on where the form is sent.
  const take = ({ currentTarget }: { currentTarget: HTMLButtonElement }) => {
    currentTarget.form?.querySelector<HTMLElement>('.primary')?.focus()
    takeOver()
  }
  return html`<div class="warning" role="status">
    <p>Others have changed this config meanwhile:</p>
    <${Changes} changes=${meanwhile.value} />
    <button type="button" onClick=${take}>Take over, keep my edits</button>
  </div>`
}

function editedWords(keys: readonly string[]): string {
  const rest = keys.length - named
  return `Edited: ${keys.slice(0, named).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
}
