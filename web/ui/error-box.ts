/** Shows an error in place: message, hint, and buttons to retry or sign in. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { ApiError } from '../../client/errors.ts'
import { hintFor } from '../api/hints.ts'
import { inPageWords } from '../deployment/status-labels.ts'

type Props = {
  error: ApiError
  title?: string | undefined
  onRetry?: (() => void) | undefined
  onSignIn?: (() => void) | undefined
}

export function ErrorBox({ error, title, onRetry, onSignIn }: Props): VNode {
  const configRejected = error.code === 'config_rejected'
  return html`<div class="error-box" role="alert">
    ${title !== undefined && html`<h2>${title}</h2>`}
    ${configRejected ? html`<pre>${error.message}</pre>` : html`<p>${inPageWords(error.message)}</p>`}
    <p class="hint">${hintFor(error)}</p>
    ${
      (onRetry !== undefined || onSignIn !== undefined) &&
      html`<div class="buttons">
        ${onRetry !== undefined && html`<button type="button" onClick=${onRetry}>Try again</button>`}
        ${onSignIn !== undefined && html`<button type="button" class="primary" onClick=${onSignIn}>Sign in</button>`}
      </div>`
    }
  </div>`
}
