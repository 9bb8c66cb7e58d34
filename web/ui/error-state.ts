/** What could not be loaded: in place of it, or above what is known from before. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { ApiError } from '../api/errors.ts'
import { useApp } from '../app-context.ts'
import { ErrorBox } from './error-box.ts'

type Props = { problem: ApiError; title: string; again: () => void }

/** Nothing is there to be shown. Where a credential is missing, it can be given. */
export function ErrorState({ problem, title, again }: Props): VNode {
  const { overlay } = useApp()
  const signIn = () => {
    overlay.value = { panel: 'sign-in' }
  }
  return html`<${ErrorBox} title=${title} problem=${problem} again=${again} signIn=${problem.status === 401 ? signIn : undefined} />`
}

/** Something is there, and may be old. */
export function StaleDataWarning({ problem }: { problem: ApiError | null }): VNode | null {
  if (problem === null) return null
  return html`<p class="warning" role="status">What you see may be old. ${problem.message} ${problem.hint}</p>`
}
