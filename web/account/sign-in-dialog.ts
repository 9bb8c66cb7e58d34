/** The sign-in as a dialog above the page. Opened from the top bar, the account menu, and beside what needs it. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useApp } from '../app-context.ts'
import { Dialog } from '../ui/dialogs/dialog.ts'
import { SignInForm } from './sign-in-form.ts'

export function SignInDialog(): VNode | null {
  const { signInOpen, identity, session } = useApp()
  if (!signInOpen.value) return null
  const close = () => {
    signInOpen.value = false
  }
  // Whoever may work already can only become an admin.
  const isForAdmins = identity.access.value === 'granted' && session.ways.oidc === null
  const title = isForAdmins ? 'Sign in as admin' : 'Sign in'
  return html`<${Dialog} variant="modal" label=${title} onClose=${close}>
    <h2>${title}</h2>
    ${isForAdmins && html`<p>Admins can clean up all deployments, delete records and end sessions.</p>`}
    <${SignInForm} returnTo=${location.pathname + location.search} onSignedIn=${close} />
    <div class="buttons"><button type="button" onClick=${close}>Cancel</button></div>
  <//>`
}
