/** The frame of the forms before the preview: their error, Cancel and Preview. */
import { html } from 'htm/preact'
import type { ComponentChildren, VNode } from 'preact'
import { useKeptFocus } from './kept-focus.ts'

/** `problem`: what is wrong with the input; null: nothing. `isReady`: whether there is enough of it. */
type Props = {
  problem: string | null
  isReady: boolean
  onSubmit: () => void
  close: () => void
  children?: ComponentChildren
}

export function InputForm({ problem, isReady, onSubmit, close, children }: Props): VNode {
  useKeptFocus('form')
  const mayGoOn = problem === null && isReady
  const submit = (event: Event) => {
    event.preventDefault()
    if (mayGoOn) onSubmit()
  }
  return html`<form onSubmit=${submit}>
    ${children}
    <small class="invalid" role="status">${problem}</small>
    <div class="buttons">
      <button type="button" onClick=${close}>Cancel</button>
      <button type="submit" class="primary" aria-disabled=${!mayGoOn}>Preview</button>
    </div>
  </form>`
}
