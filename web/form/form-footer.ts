/** The foot of the form: what was edited, why, what is wrong, and the button that sends it. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { ConfigDiff } from '../config/config-diff-list.ts'
import { ElapsedTime } from '../ui/elapsed-time.ts'
import { ErrorBox } from '../ui/error-box.ts'
import { ReasonField } from '../ui/reason-field.ts'
import type { FormState } from './form-state.ts'

/** So many keys are named; the rest is counted. */
const maxNamedKeys = 4

export function FormFooter({ form, close }: { form: FormState; close: () => void }): VNode {
  const obstacle = form.blockedReason.value
  const problem = form.problem.value
  const sending = form.sending.value
  const hideObstacle = !form.dirty.value || sending || obstacle === form.nameProblem.value
  const submitLabel = form.isNew ? 'Create' : 'Save and update'
  const edited = [...form.application.modifiedKeys.value, ...form.deployment.modifiedKeys.value]
  return html`<footer class="sheet-foot">
    ${
      problem !== null &&
      html`<${ErrorBox}
        problem=${problem}
        title=${problem.code === 'config_refused' ? 'The config check says no' : undefined}
      />`
    }
    <${ConflictBanner} form=${form} />
    ${!form.isNew && form.dirty.value && html`<${ReasonField} reason=${form.reason} />`}
    <div class="buttons">
      <span class="why-not">
        <span id="obstacle">${hideObstacle ? '' : obstacle}</span>
        ${(hideObstacle || obstacle === null) && edited.length > 0 && editedKeysLabel(edited)}
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
        ${sending ? html`Checking config <${ElapsedTime} />` : submitLabel}
      </button>
    </div>
  </footer>`
}

/** Two people edit at once: nobody's work may be lost unseen. */
function ConflictBanner({ form: { remoteChanges, applyRemoteChanges } }: { form: FormState }): VNode | null {
  if (remoteChanges.value.length === 0) return null
  // The button goes with what it did: the keyboard goes on where the form is sent.
  const apply = ({ currentTarget }: { currentTarget: HTMLButtonElement }) => {
    currentTarget.form?.querySelector<HTMLElement>('.primary')?.focus()
    applyRemoteChanges()
  }
  return html`<div class="warning" role="status">
    <p>Others have changed this config meanwhile:</p>
    <${ConfigDiff} changes=${remoteChanges.value} />
    <button type="button" onClick=${apply}>Take over, keep my edits</button>
  </div>`
}

function editedKeysLabel(keys: readonly string[]): string {
  const rest = keys.length - maxNamedKeys
  return `Edited: ${keys.slice(0, maxNamedKeys).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
}
