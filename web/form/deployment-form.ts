/** The side panel for a new deployment and for the config of an existing one. Its state: form-state.ts. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import { useApp } from '../app-context.ts'
import { Dialog } from '../ui/dialog.ts'
import { Icon } from '../ui/icon.ts'
import { ConfigLevelEditor } from './config-level-editor.ts'
import { FormFooter } from './form-footer.ts'
import { createFormState, type FormState } from './form-state.ts'

/** `name`: null for a new deployment. */
export function DeploymentForm({ name }: { name: string | null }): VNode {
  const app = useApp()
  const form = useMemo(
    () => createFormState(app, name === null ? null : (app.store.rows.get(name)?.peek() ?? null)),
    [],
  )
  // From the very beginning and not in an effect: those wait for a frame, and Escape may come before it.
  const stopTracking = useMemo(
    () =>
      form.dirty.subscribe((dirty) => {
        app.hasUnsavedChanges.value = dirty
      }),
    [],
  )
  useEffect(
    () => () => {
      stopTracking()
      form.close()
    },
    [],
  )
  useEffect(() => {
    const onBeforeUnload = (event: Event) => app.hasUnsavedChanges.peek() && event.preventDefault()
    window.addEventListener('beforeunload', onBeforeUnload)
    return () => window.removeEventListener('beforeunload', onBeforeUnload)
  }, [])

  const close = () => void app.confirmLeave()
  const title = name === null ? 'New deployment' : `Edit ${name}`
  return html`<${Dialog} kind="panel" label=${title} onClose=${close}>
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
      <header class="sheet-head">
        <h2>${title}</h2>
        <button type="button" class="icon-button" aria-label="Close" onClick=${close}><${Icon} name="close" /></button>
      </header>
      <div class="sheet-body">
        ${form.isNew && html`<${NameField} form=${form} />`}
        <${ConfigLevelEditor} level=${form.application} again=${form.defaults.reload} />
        <${ConfigLevelEditor} level=${form.deployment} again=${form.defaults.reload} />
      </div>
      <${FormFooter} form=${form} close=${close} />
    </form>
  <//>`
}

function NameField({ form }: { form: FormState }): VNode {
  const blurred = useSignal(false)
  const problem = form.nameProblem.value
  // Nobody is scolded while still typing the first letters.
  const showProblem =
    problem !== null && (blurred.value || form.name.value.length > 1) && form.name.value !== ''
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
      aria-invalid=${showProblem}
      aria-describedby="name-hint"
      onInput=${(event: { currentTarget: HTMLInputElement }) => {
        form.name.value = event.currentTarget.value.trim()
      }}
      onBlur=${() => {
        blurred.value = true
      }}
    />
    <small id="name-hint" role="status" class=${showProblem ? 'wrong' : ''}>
      ${showProblem ? problem : '2 to 16 characters: a-z, 0-9 and -, beginning with a letter.'}
    </small>
  </div>`
}
