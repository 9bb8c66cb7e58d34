/** The name of a new deployment, with its error and a valid name to use instead. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useId, useRef } from 'preact/hooks'
import type { NewName } from './new-name.ts'

/** `wasBlocked`: a form that could not be sent shows the error of an empty name too. */
type Props = { label: string; newName: NewName; wasBlocked: boolean }

export function NameField({ label, newName, wasBlocked }: Props): VNode {
  const id = useId()
  const blurred = useSignal(false)
  const input = useRef<HTMLInputElement>(null)
  const { name, maxLength } = newName
  const error = newName.error.value
  const suggested = newName.suggested.value
  const isEntered = name.value.length > 1 || (blurred.value && name.value !== '')
  // The error is shown only after the first two characters, after leaving the field, or after a blocked submit.
  const showError = error !== null && (isEntered || wasBlocked)
  const useSuggested = () => {
    if (suggested !== null) name.value = suggested
    // The button disappears.
    input.current?.focus()
  }
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <input
      ref=${input}
      id=${id}
      name="name"
      autofocus
      autocomplete="off"
      autocapitalize="none"
      spellcheck=${false}
      value=${name.value}
      aria-invalid=${showError}
      aria-describedby=${`${id}-hint`}
      onInput=${(event: { currentTarget: HTMLInputElement }) => {
        name.value = event.currentTarget.value.trim()
      }}
      onBlur=${() => {
        blurred.value = true
      }}
    />
    <div id=${`${id}-hint`} class="name-hint" role="status">
      <small class=${showError ? 'invalid' : ''}>
        ${showError ? error : `2 to ${maxLength} characters: a-z, 0-9 and -, starting with a letter.`}
      </small>
      ${showError && suggested !== null && html`<button type="button" class="name-suggestion" onClick=${useSuggested}>Use ${suggested}</button>`}
    </div>
  </div>`
}
