/** Says that the session has ended while the page goes on without signing in. Drawn below the top bar. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useApp } from '../app-context.ts'

export function SessionBanner(): VNode {
  const { identity, signInOpen } = useApp()
  // Without a right to read, the sign-in screen says it.
  const isShown = identity.hasEnded.value && identity.access.value !== 'signed_out'
  return html`<div class="session-banner" role="status">
    ${
      isShown &&
      html`<p>
        <span><strong>Your session has ended.</strong> You are not signed in any more.</span>
        <span class="buttons">
          <button type="button" class="small" onClick=${() => (signInOpen.value = true)}>Sign in again</button>
          <button type="button" class="ghost-button small" onClick=${() => (identity.hasEnded.value = false)}>Go on without</button>
        </span>
      </p>`
    }
  </div>`
}
