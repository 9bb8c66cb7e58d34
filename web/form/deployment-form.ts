/** The side panel that creates a deployment or edits its config. Its state is in form-state.ts. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import { useApp } from '../app-context.ts'
import { Dialog } from '../ui/dialogs/dialog.ts'
import { Icon } from '../ui/icon.ts'
import { ConfigLevelEditor } from './config-level-editor.ts'
import { FormFooter } from './form-footer.ts'
import { createFormState, type FormState } from './form-state.ts'

/** `name`: null for a new deployment. */
export function DeploymentForm({ name }: { name: string | null }): VNode {
  const app = useApp()
  const form = useMemo(() => {
    const draft = app.formDrafts.take()
    const isSame = draft !== null && draft.isNew === (name === null) && (draft.isNew || draft.name === name)
    const start = name === null ? null : (app.store.rows.get(name)?.peek() ?? null)
    return createFormState(app, start, isSame ? draft : null)
  }, [])
  // Subscribed during rendering: an effect would run one frame later, and Escape may be pressed before it.
  const stopTracking = useMemo(
    () =>
      form.isDirty.subscribe((isDirty) => {
        app.hasUnsavedChanges.value = isDirty
      }),
    [],
  )
  useEffect(() => {
    app.formDrafts.setSource(form.toDraft)
    return () => {
      app.formDrafts.setSource(null)
      stopTracking()
      form.close()
    }
  }, [])
  useEffect(() => {
    const onBeforeUnload = (event: Event) => app.hasUnsavedChanges.peek() && event.preventDefault()
    window.addEventListener('beforeunload', onBeforeUnload)
    return () => window.removeEventListener('beforeunload', onBeforeUnload)
  }, [])

  const close = () => void app.confirmLeave()
  const title = name === null ? 'New deployment' : `Edit ${name}`
  return html`<${Dialog} variant="side-panel" label=${title} onClose=${close}>
    <form
      class="sheet"
      noValidate
      onSubmit=${(event: Event) => {
        event.preventDefault()
        void form.submit()
      }}
      onKeyDown=${(event: KeyboardEvent) => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void form.submit()
      }}
    >
      <header class="sheet-header">
        <h2>${title}</h2>
        <button type="button" class="icon-button" aria-label="Close" onClick=${close}><${Icon} name="close" /></button>
      </header>
      <div class="sheet-body">
        ${form.isNew && html`<${NameField} form=${form} />`}
        <${ConfigLevelEditor} level=${form.application} onRetry=${form.defaults.reload} />
        <${ConfigLevelEditor} level=${form.deployment} onRetry=${form.defaults.reload} />
      </div>
      <${FormFooter} form=${form} onClose=${close} />
    </form>
  <//>`
}

function NameField({ form }: { form: FormState }): VNode {
  const blurred = useSignal(false)
  const error = form.nameError.value
  // The error is shown only after the first two characters or after leaving the field.
  const showError = error !== null && (blurred.value || form.name.value.length > 1) && form.name.value !== ''
  return html`<div class="field">
    <label for="name">Name</label>
    <input
      id="name"
      name="name"
      autofocus
      autocomplete="off"
      autocapitalize="none"
      spellcheck=${false}
      value=${form.name.value}
      aria-invalid=${showError}
      aria-describedby="name-hint"
      onInput=${(event: { currentTarget: HTMLInputElement }) => {
        form.name.value = event.currentTarget.value.trim()
      }}
      onBlur=${() => {
        blurred.value = true
      }}
    />
    <small id="name-hint" role="status" class=${showError ? 'invalid' : ''}>
      ${showError ? error : '2 to 16 characters: a-z, 0-9 and -, starting with a letter.'}
    </small>
  </div>`
}
