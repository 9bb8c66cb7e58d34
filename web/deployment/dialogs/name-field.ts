/** The name of a new deployment, with its error and a valid name to use instead. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useRef } from 'preact/hooks'
import type { FormState } from './form-state.ts'

export function NameField({ form }: { form: FormState }): VNode {
  const blurred = useSignal(false)
  const input = useRef<HTMLInputElement>(null)
  const { name, nameMaxLength } = form
  const error = form.nameError.value
  const suggested = form.suggestedName.value
  const isEntered = name.value.length > 1 || (blurred.value && name.value !== '')
  // The error is shown only after the first two characters, after leaving the field, or after a blocked submit.
  const showError = error !== null && (isEntered || form.wasBlocked.value)
  const useSuggested = () => {
    if (suggested !== null) name.value = suggested
    // The button disappears.
    input.current?.focus()
  }
  return html`<div class="field">
    <label for="name">Name</label>
    <input
      ref=${input}
      id="name"
      name="name"
      autofocus
      autocomplete="off"
      autocapitalize="none"
      spellcheck=${false}
      value=${name.value}
      aria-invalid=${showError}
      aria-describedby="name-hint"
      onInput=${(event: { currentTarget: HTMLInputElement }) => {
        name.value = event.currentTarget.value.trim()
      }}
      onBlur=${() => {
        blurred.value = true
      }}
    />
    <div id="name-hint" class="name-hint" role="status">
      <small class=${showError ? 'invalid' : ''}>
        ${showError ? error : `2 to ${nameMaxLength} characters: a-z, 0-9 and -, starting with a letter.`}
      </small>
      ${showError && suggested !== null && html`<button type="button" class="name-suggestion" onClick=${useSuggested}>Use ${suggested}</button>`}
    </div>
  </div>`
}
