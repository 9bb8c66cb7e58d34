/** Entering a credential: what installations hand to their admins. It is tried before it is kept. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { type ApiError, toApiError } from '../api/errors.ts'
import { useApp } from '../app-context.ts'
import { ErrorBox } from '../ui/error-box.ts'
import { SmallDialog } from '../ui/small-dialog.ts'
import { TextField } from '../ui/text-field.ts'

const attributes = { type: 'password', name: 'authorization', autocomplete: 'off', autofocus: true }

export function SignInDialog(): VNode {
  const { session, overlay, toasts, sync } = useApp()
  const credentialRequired = sync.problem.value?.status === 401
  const header = useSignal('')
  const problem = useSignal<ApiError | null>(null)
  const busy = useSignal(false)
  const submit = async () => {
    busy.value = true
    problem.value = null
    try {
      await session.signIn(header.value)
      toasts.showSuccess(session.isAdmin() ? 'Signed in as admin.' : 'Signed in.')
      overlay.value = null
    } catch (error) {
      problem.value = toApiError(error)
    }
    busy.value = false
  }
  return html`<${SmallDialog}
    title=${credentialRequired ? 'Sign in' : 'Sign in as admin'}
    button=${busy.value ? 'Trying…' : 'Sign in'}
    off=${busy.value || header.value.trim() === ''}
    send=${submit}
  >
    <p>
      ${credentialRequired ? 'This installation wants to know who you are.' : 'Admins see the output of scripts, clean up and delete.'} Enter the value of the${' '}
      <code>Authorization</code> header your installation uses; it is kept until this tab is closed.
    </p>
    <${TextField} label="Authorization" text=${header} attributes=${attributes} />
    ${problem.value !== null && html`<${ErrorBox} problem=${problem.value} />`}
  <//>`
}
