/** What went wrong, in place: the message, what to do, and a way to try again. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { ApiError } from '../api/errors.ts'

type Props = {
  problem: ApiError
  title?: string
  again?: (() => void) | undefined
  signIn?: (() => void) | undefined
}

export function ErrorBox({ problem, title, again, signIn }: Props): VNode {
  const refused = problem.code === 'config_refused'
  return html`<div class="problem" role="alert">
    ${title !== undefined && html`<h2>${title}</h2>`}
    ${refused ? html`<pre>${problem.message}</pre>` : html`<p>${problem.message}</p>`}
    <p class="remedy">${problem.hint}</p>
    ${
      (again !== undefined || signIn !== undefined) &&
      html`<div class="buttons">
        ${again !== undefined && html`<button type="button" onClick=${again}>Try again</button>`}
        ${signIn !== undefined && html`<button type="button" class="primary" onClick=${signIn}>Sign in</button>`}
      </div>`
    }
  </div>`
}
