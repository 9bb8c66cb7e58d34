/** The ways to sign in: a link to the identity provider, and a field for a shared credential. Used by the sign-in screen and dialog. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { type ApiError, toApiError } from '../../client/errors.ts'
import { loginPath } from '../api/auth.ts'
import { type AppContext, useApp } from '../app-context.ts'
import { storageKey } from '../base-path.ts'
import { ErrorBox } from '../ui/error-box.ts'
import { Icon } from '../ui/icon.ts'
import { TextField } from '../ui/text-field.ts'

/** `returnTo`: a path of this page. `onSignedIn`: called after a credential was accepted; the provider loads a new page. */
type Props = { returnTo: string; onSignedIn: () => void }

export function SignInForm({ returnTo, onSignedIn }: Props): VNode {
  const app = useApp()
  const { ways } = app.session
  const isOpen = useSignal(ways.oidc === null)
  return html`<div class="sign-in-ways">
    ${
      ways.oidc !== null &&
      html`<a
        class="button primary sign-in-provider"
        href=${loginPath(returnTo)}
        onClick=${(event: Event) => prepareToLeave(app, event, returnTo)}
      >
        Sign in with ${ways.oidc}
      </a>`
    }
    ${
      ways.oidc !== null &&
      ways.shared &&
      html`<button
        type="button"
        class="ghost-button"
        aria-expanded=${isOpen.value}
        onClick=${() => {
          isOpen.value = !isOpen.value
        }}
      >
        <${Icon} name="key" />Use a shared credential
      </button>`
    }
    ${ways.shared && isOpen.value && html`<${CredentialForm} onSignedIn=${onSignedIn} isPrimary=${ways.oidc === null} />`}
    ${
      ways.oidc === null &&
      !ways.shared &&
      html`<p>People sign in at the proxy of this installation. Reload the page; if you come back here, ask your operator.</p>
        <button type="button" onClick=${() => location.reload()}>Reload</button>`
    }
  </div>`
}

const attributes = {
  type: 'password',
  name: 'authorization',
  autocomplete: 'off',
  autofocus: true,
  spellcheck: false,
}

function CredentialForm({ onSignedIn, isPrimary }: { onSignedIn: () => void; isPrimary: boolean }): VNode {
  const { session, identity, toasts } = useApp()
  const credential = useSignal('')
  const error = useSignal<ApiError | null>(null)
  const busy = useSignal(false)
  const isBlocked = busy.value || credential.value.trim() === ''
  const submit = async (event: Event) => {
    event.preventDefault()
    if (isBlocked) return
    busy.value = true
    error.value = null
    try {
      await session.signIn(credential.value)
      await identity.reload()
      toasts.showSuccess(`Signed in as ${identity.who.peek()?.role ?? 'user'}.`)
      onSignedIn()
    } catch (caught) {
      error.value = toApiError(caught)
    }
    busy.value = false
  }
  return html`<form class="sign-in-credential" onSubmit=${submit}>
    <${TextField} label="Shared credential" text=${credential} attributes=${attributes} />
    <small class="hint">
      The value of the <code>Authorization</code> header of this installation. ${window.isSecureContext ? 'The page exchanges it for a session and does not keep it.' : 'It is kept until you close this tab.'}
    </small>
    ${error.value !== null && html`<${ErrorBox} error=${error.value} />`}
    <button type="submit" class=${isPrimary ? 'primary' : ''} disabled=${isBlocked}>${busy.value ? 'Signing in…' : 'Sign in'}</button>
  </form>`
}

/** The browser leaves the page. The input of an open form is kept for the way back. */
function prepareToLeave(app: AppContext, event: Event, returnTo: string): void {
  sessionStorage.setItem(returnToKey, returnTo)
  if (!app.formDrafts.keep()) return
  if (event instanceof MouseEvent && (event.ctrlKey || event.metaKey || event.shiftKey)) return
  // The browser would ask whether to leave an unsaved form.
  app.hasUnsavedChanges.value = false
}

const returnToKey = storageKey('octopod.return-to')

/** Where the last sign-in was to return: its error page does not know. */
export const lastReturnTo = (): string | null => sessionStorage.getItem(returnToKey)
