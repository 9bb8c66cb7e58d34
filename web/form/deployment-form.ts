/** The side panel that creates a deployment or edits its config. Its state is in form-state.ts. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import { useApp } from '../app-context.ts'
import { LabelFields } from '../deployment/dialogs/label-fields.ts'
import { NameField } from '../deployment/dialogs/name-field.ts'
import { Dialog } from '../ui/dialogs/dialog.ts'
import { Icon } from '../ui/icon.ts'
import { ConfigLevelEditor } from './config-level-editor.ts'
import { FormFooter } from './form-footer.ts'
import { createFormState } from './form-state.ts'

/** `name`: null for a new deployment. `newName`: entered already in the form of a new one. */
type Props = { name: string | null; newName?: string | undefined }

export function DeploymentForm({ name, newName = '' }: Props): VNode {
  const app = useApp()
  const form = useMemo(() => {
    const draft = app.formDrafts.take()
    const isSame = draft !== null && draft.isNew === (name === null) && (draft.isNew || draft.name === name)
    const start = name === null ? null : (app.store.rows.get(name)?.peek() ?? null)
    return createFormState(app, start, isSame ? draft : null, newName)
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

  // After the dialog is open: it would give the focus to its first button, which closes it. A new deployment begins with its name.
  const bodyRef = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    if (name !== null) bodyRef.current?.querySelector<HTMLElement>('input, textarea')?.focus()
  }, [])

  const close = () => void app.confirmLeave()
  const submit = (event: Event & { currentTarget: HTMLFormElement }) => {
    event.preventDefault()
    const { currentTarget } = event
    void form.submit()
    if (form.isSubmitting.peek()) return
    requestAnimationFrame(() => currentTarget.querySelector<HTMLElement>('[aria-invalid=true]')?.focus())
  }
  const title = name === null ? 'New deployment' : `Edit ${name}`
  return html`<${Dialog} variant="side-panel" label=${title} onClose=${close}>
    <form
      class="sheet"
      noValidate
      onSubmit=${submit}
      onKeyDown=${(event: KeyboardEvent & { currentTarget: HTMLFormElement }) => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) submit(event)
      }}
    >
      <header class="sheet-header">
        <h2>${title}</h2>
        <button type="button" class="icon-button" aria-label="Close" onClick=${close}><${Icon} name="close" /></button>
      </header>
      <div class="sheet-body" ref=${bodyRef}>
        ${form.isNew && html`<${NameField} label="Name" newName=${form.newName} wasBlocked=${form.wasBlocked.value} /><${LabelFields} input=${form.labels} />`}
        <${ConfigLevelEditor} level=${form.application} onRetry=${form.defaults.reload} />
        <${ConfigLevelEditor} level=${form.deployment} onRetry=${form.defaults.reload} />
      </div>
      <${FormFooter} form=${form} onClose=${close} />
    </form>
  <//>`
}
