/**
 * The sign-in as a page of its own: at /sign-in, where the server sends a browser whose sign-in has failed, and in place of
 * every page while nobody is signed in.
 */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import { safeReturnTo } from '../../domain/access/return-to.ts'
import { useApp } from '../app-context.ts'
import { basePath } from '../base-path.ts'
import { homePath } from '../routes.ts'
import { setBrowserTab } from '../ui/browser-tab.ts'
import { Logo } from '../ui/icon.ts'
import { explainSignInError, readRequestId } from './sign-in-errors.ts'
import { lastReturnTo, SignInForm } from './sign-in-form.ts'

/** `search`: the query of /sign-in; null: the screen stands in place of another page. */
export function SignInScreen({ search }: { search: string | null }): VNode {
  const { session, identity, projectName, router } = useApp()
  const params = new URLSearchParams(search ?? '')
  const failure = search === null ? null : params.get('error')
  const returnTo = search === null ? location.pathname + location.search : returnPath(params.get('returnTo'))
  const title = `Sign in${/^(octopod)?$/i.test(projectName.value) ? '' : ` to ${projectName.value}`}`
  useEffect(() => setBrowserTab(`${title} · Octopod`), [title])
  const goOn = () => {
    if (search !== null) router.navigate(returnTo)
  }
  const isSignedIn = identity.access.value === 'granted' && identity.who.value?.proof !== 'anonymous'
  useEffect(() => {
    if (search !== null && isSignedIn && failure === null) goOn()
  }, [isSignedIn])
  return html`<main class="sign-in">
    <div class="sign-in-card">
      <${Logo} />
      <h1>${title}</h1>
      ${failure !== null && html`<${Failure} code=${failure} requestId=${readRequestId(params.get('request'))} />`}
      ${
        failure === null &&
        identity.hasEnded.value &&
        html`<p class="notice" role="status"><strong>Your session has ended.</strong> Sign in again to go on where you were.</p>`
      }
      <${SignInForm} returnTo=${returnTo} onSignedIn=${goOn} />
      ${
        session.ways.anonymous &&
        !returnTo.startsWith(`${basePath}/device`) &&
        html`<p class="sign-in-anonymous">or <a href=${search === null ? homePath : returnTo}>continue without signing in</a></p>`
      }
    </div>
  </main>`
}

function Failure({ code, requestId }: { code: string; requestId: string | null }): VNode {
  return html`<div class="error-box" role="alert">
    <p><strong>You are not signed in.</strong> ${explainSignInError(code)}</p>
    ${requestId !== null && html`<p class="hint">Request id <code>${requestId}</code></p>`}
  </div>`
}

/** Only a path of this page; never the sign-in itself. */
function returnPath(text: string | null): string {
  const path = safeReturnTo(text ?? lastReturnTo(), location.origin + basePath)
  return path.startsWith(`${basePath}/sign-in`) ? homePath : path
}
