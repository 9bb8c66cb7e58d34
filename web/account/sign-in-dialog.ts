/**
 * The sign-in dialog. The entered credential is verified before it is kept. Opened from the top bar and from
 * ui/error-state.ts.
 */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { type ApiError, toApiError } from '../api/errors.ts'
import { useApp } from '../app-context.ts'
import { SmallDialog } from '../ui/dialogs/small-dialog.ts'
import { ErrorBox } from '../ui/error-box.ts'
import { TextField } from '../ui/text-field.ts'

const attributes = { type: 'password', name: 'authorization', autocomplete: 'off', autofocus: true }

export function SignInDialog(): VNode {
  const { session, overlay, toasts, sync } = useApp()
  const credentialRequired = sync.error.value?.status === 401
  const header = useSignal('')
  const error = useSignal<ApiError | null>(null)
  const busy = useSignal(false)
  const submit = async () => {
    busy.value = true
    error.value = null
    try {
      await session.signIn(header.value)
      toasts.showSuccess(session.isAdmin() ? 'Signed in as admin.' : 'Signed in.')
      overlay.value = null
    } catch (caught) {
      error.value = toApiError(caught)
    }
    busy.value = false
  }
  return html`<${SmallDialog}
    title=${credentialRequired ? 'Sign in' : 'Sign in as admin'}
    submitLabel=${busy.value ? 'Signing in…' : 'Sign in'}
    disabled=${busy.value || header.value.trim() === ''}
    onSubmit=${submit}
  >
    <p>
      ${credentialRequired ? 'This installation requires a credential.' : 'Admins can clean up deployments, delete records and see all script output.'} Enter the value of the${' '}
      <code>Authorization</code> header that your installation uses. It is kept until you close this tab.
    </p>
    <${TextField} label="Authorization" text=${header} attributes=${attributes} />
    ${error.value !== null && html`<${ErrorBox} error=${error.value} />`}
  <//>`
}
