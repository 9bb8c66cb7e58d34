/**
 * Why an action or a check failed: the known cause, what failed, and the last lines of the output. Where the user may not
 * read output, it says so and offers to sign in. Drawn below the last action and the last check.
 */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { Action } from '../../domain/schemas.ts'
import { useApp } from '../app-context.ts'

export function FailureBox({ failure }: { failure: NonNullable<Action['failure']> }): VNode {
  const { overlay } = useApp()
  const { message, hint, output, output_hidden: isHidden } = failure
  const signIn = () => {
    overlay.value = { type: 'sign-in' }
  }
  return html`<div class="failure">
    ${hint !== null && html`<p class="failure-hint">${hint}</p>`}
    <p>${message}</p>
    ${output !== null && html`<pre tabindex="0" role="region" aria-label="Last lines of the output">${output}</pre>`}
    ${isHidden && html`<p>You may not read the output. <button type="button" class="small" onClick=${signIn}>Sign in</button></p>`}
  </div>`
}
