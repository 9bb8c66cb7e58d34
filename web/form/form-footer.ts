/** The footer of the form: edited keys, reason field, errors, remote changes, and the submit button. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useApp } from '../app-context.ts'
import { ConfigDiff } from '../config/config-diff-list.ts'
import { WhenBusyChoice } from '../deployment/dialogs/when-busy-choice.ts'
import { ElapsedTime } from '../ui/elapsed-time.ts'
import { ErrorBox } from '../ui/error-box.ts'
import { ReasonField } from '../ui/text-field.ts'
import type { FormState } from './form-state.ts'

/** Maximum number of edited keys that are listed by name. */
const maxNamedKeys = 4

export function FormFooter({ form, onClose }: { form: FormState; onClose: () => void }): VNode {
  const { identity, signInOpen } = useApp()
  const signIn = () => {
    signInOpen.value = true
  }
  const blockedReason = form.blockedReason.value
  const error = form.error.value
  const isSubmitting = form.isSubmitting.value
  const hideBlockedReason = !form.isDirty.value || isSubmitting || blockedReason === form.nameError.value
  const submitLabel = form.isNew ? 'Create' : 'Save and update'
  const edited = [...form.application.modifiedKeys.value, ...form.deployment.modifiedKeys.value]
  return html`<footer class="sheet-footer">
    ${
      error !== null &&
      html`<${ErrorBox}
        onSignIn=${error.status === 401 ? signIn : undefined}
        error=${error}
        title=${error.code === 'config_rejected' ? 'Config rejected' : undefined}
      />`
    }
    ${identity.hasEnded.value && error?.status !== 401 && html`<${SessionEnded} onSignIn=${signIn} />`}
    <${ConflictBanner} form=${form} />
    ${!form.isNew && form.isDirty.value && html`<${ReasonField} reason=${form.reason} />`}
    ${form.whenBusy.value !== null && form.isDirty.value && html`<${WhenBusyChoice} answer=${form.whenBusy} kind="update" />`}
    <div class="buttons">
      <span class="disabled-reason">
        <span id="blocked-reason">${hideBlockedReason ? '' : blockedReason}</span>
        ${(hideBlockedReason || blockedReason === null) && edited.length > 0 && editedKeysLabel(edited)}
      </span>
      <button type="button" onClick=${onClose}>Cancel</button>
      <button
        type="submit"
        class="primary"
        aria-disabled=${blockedReason !== null}
        aria-describedby="blocked-reason"
        aria-keyshortcuts="Control+Enter"
        title=${blockedReason ?? 'Ctrl + Enter'}
      >
        ${isSubmitting ? html`Checking config <${ElapsedTime} />` : submitLabel}
      </button>
    </div>
  </footer>`
}

/** The banner of the page lies behind the form. */
function SessionEnded({ onSignIn }: { onSignIn: () => void }): VNode {
  return html`<div class="warning" role="status">
    <p><strong>Your session has ended.</strong> Sign in again; your input is kept.</p>
    <button type="button" onClick=${onSignIn}>Sign in again</button>
  </div>`
}

/** Shows the changes that someone else saved after the form was opened. */
function ConflictBanner({ form: { remoteChanges, applyRemoteChanges } }: { form: FormState }): VNode | null {
  if (remoteChanges.value.length === 0) return null
  // This button disappears when pressed; the focus moves to the submit button.
  const apply = ({ currentTarget }: { currentTarget: HTMLButtonElement }) => {
    currentTarget.form?.querySelector<HTMLElement>('.primary')?.focus()
    applyRemoteChanges()
  }
  return html`<div class="warning" role="status">
    <p>Someone else changed this config while you were editing:</p>
    <${ConfigDiff} changes=${remoteChanges.value} />
    <button type="button" onClick=${apply}>Apply their changes, keep my edits</button>
  </div>`
}

function editedKeysLabel(keys: readonly string[]): string {
  const unnamedCount = keys.length - maxNamedKeys
  return `Edited: ${keys.slice(0, maxNamedKeys).join(', ')}${unnamedCount > 0 ? ` and ${unnamedCount} more` : ''}`
}
