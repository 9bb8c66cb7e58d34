/**
 * Why an action or a script failed: the known cause, what failed, the last lines of the output, and buttons for what the
 * user can do. Who may not read output learns whom to ask. Drawn below the last action, and for failed scripts.
 */
import { html } from 'htm/preact'
import type { ComponentChildren, VNode } from 'preact'
import type { Action } from '../../../domain/schemas.ts'
import { useApp } from '../../app-context.ts'
import type { Remedy } from './failure-remedies.ts'

type Props = {
  failure: NonNullable<Action['failure']>
  remedies: readonly Remedy[]
  /** False while all output is shown. */
  linesShown?: boolean
  /** More about the failure, after its sentence. */
  children?: ComponentChildren
}

export function FailureBox({ failure, remedies, linesShown = true, children }: Props): VNode {
  const { message, hint, output, script, output_hidden: isHidden } = failure
  const linesLabel = script === null ? 'Last lines of the output' : `Last lines of the ${script} script`
  return html`<div class="failure">
    ${hint !== null && html`<p class="failure-hint">${hint}</p>`}
    <p>${message}${children}</p>
    ${linesShown && output !== null && html`<pre tabindex="0" role="region" aria-label=${linesLabel}>${output}</pre>`}
    ${isHidden && html`<p>You may not read the output. ${useApp().identity.refusal('read_output') ?? 'Ask your DevOps engineer.'}</p>`}
    ${
      remedies.length > 0 &&
      html`<div class="buttons" role="group" aria-label="What you can do">
        ${remedies.map(({ text, onSelect }) => html`<button key=${text} type="button" onClick=${onSelect}>${text}</button>`)}
      </div>`
    }
  </div>`
}
