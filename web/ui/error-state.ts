/** Shows a failed load: in place of the content, or as a warning above older content. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { ApiError } from '../../client/errors.ts'
import { hintFor } from '../api/hints.ts'
import { useApp } from '../app-context.ts'
import { ErrorBox } from './error-box.ts'

type Props = { error: ApiError; title: string; onRetry: () => void }

/** In place of the content. Offers the sign-in when a credential is missing. */
export function ErrorState({ error, title, onRetry }: Props): VNode {
  const { signInOpen } = useApp()
  const signIn = () => {
    signInOpen.value = true
  }
  return html`<${ErrorBox} title=${title} error=${error} onRetry=${onRetry} onSignIn=${error.status === 401 ? signIn : undefined} />`
}

/** Above content that may be outdated. */
export function StaleDataWarning({ error }: { error: ApiError | null }): VNode | null {
  if (error === null) return null
  return html`<p class="warning" role="status">This data may be outdated. ${error.message} ${hintFor(error)}</p>`
}
