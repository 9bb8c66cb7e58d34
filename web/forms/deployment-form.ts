/** The side panel for a new deployment and for the config of an existing one. Its state: form.ts. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import { Dialog } from '../parts/dialog.ts'
import { Icon } from '../parts/icon.ts'
import { useWorld } from '../world.ts'
import { Foot } from './foot.ts'
import { createForm, type Form } from './form.ts'
import { LevelEditor } from './level.ts'

/** `name`: null for a new deployment. */
export function DeploymentForm({ name }: { name: string | null }): VNode {
  const world = useWorld()
  const form = useMemo(
    () => createForm(world, name === null ? null : (world.store.rows.get(name)?.peek() ?? null)),
    [],
  )
  // From the very beginning and not in an effect: those wait for a frame, and Escape may come before it.
  const forget = useMemo(
    () =>
      form.dirty.subscribe((dirty) => {
        world.unsaved.value = dirty
      }),
    [],
  )
  useEffect(
    () => () => {
      forget()
      form.close()
    },
    [],
  )
  useEffect(() => {
    const question = (event: Event) => world.unsaved.peek() && event.preventDefault()
    window.addEventListener('beforeunload', question)
    return () => window.removeEventListener('beforeunload', question)
  }, [])

  const close = () => void world.mayLeave()
  const title = name === null ? 'New deployment' : `Edit ${name}`
  return html`<${Dialog} kind="panel" label=${title} onClose=${close}>
    <form
      class="sheet"
      noValidate
      onSubmit=${(event: Event) => {
        event.preventDefault()
        void form.send()
      }}
      onKeyDown=${(event: KeyboardEvent) => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void form.send()
      }}
    >
      <header class="sheet-head">
        <h2>${title}</h2>
        <button type="button" class="icon-button" aria-label="Close" onClick=${close}><${Icon} name="close" /></button>
      </header>
      <div class="sheet-body">
        ${form.isNew && html`<${NameField} form=${form} />`}
        <${LevelEditor} level=${form.application} again=${form.defaults.again} />
        <${LevelEditor} level=${form.deployment} again=${form.defaults.again} />
      </div>
      <${Foot} form=${form} close=${close} />
    </form>
  <//>`
}

function NameField({ form }: { form: Form }): VNode {
  const left = useSignal(false)
  const problem = form.nameProblem.value
  // Nobody is scolded while still typing the first letters.
  const shown = problem !== null && (left.value || form.name.value.length > 1) && form.name.value !== ''
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
      aria-invalid=${shown}
      aria-describedby="name-hint"
      onInput=${(event: { currentTarget: HTMLInputElement }) => {
        form.name.value = event.currentTarget.value.trim()
      }}
      onBlur=${() => {
        left.value = true
      }}
    />
    <small id="name-hint" role="status" class=${shown ? 'wrong' : ''}>
      ${shown ? problem : '2 to 16 characters: a-z, 0-9 and -, beginning with a letter.'}
    </small>
  </div>`
}
