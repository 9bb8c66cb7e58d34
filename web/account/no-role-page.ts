/** In place of every page for somebody who is signed in and may see nothing. Says whom to ask, and what to tell them. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import type { WhoAmI } from '../../domain/access/access-schemas.ts'
import { useApp } from '../app-context.ts'
import { setBrowserTab } from '../ui/browser-tab.ts'
import { IdentityFacts } from './identity-facts.ts'
import { signOut } from './sign-out.ts'

export function NoRolePage({ who }: { who: WhoAmI }): VNode {
  const app = useApp()
  const busy = useSignal(false)
  useEffect(() => setBrowserTab('No role · Octopod'), [])
  const checkAgain = async () => {
    busy.value = true
    await app.identity.reload()
    busy.value = false
  }
  return html`<main class="narrow-page no-role">
    <h1>You have no role here</h1>
    <p>
      You are signed in as <strong>${who.actor}</strong>, but no rule of this installation gives you a role, so you can see no
      deployments. Ask an admin for one. They need to know:
    </p>
    <section class="card"><${IdentityFacts} who=${who} /></section>
    <div class="buttons">
      ${app.session.ways.shared && html`<button type="button" class="ghost-button" onClick=${() => (app.signInOpen.value = true)}>Sign in as admin</button>`}
      ${who.has_session && html`<button type="button" onClick=${() => void signOut(app)}>Sign out</button>`}
      <button type="button" class="primary" disabled=${busy.value} onClick=${checkAgain}>${busy.value ? 'Checking…' : 'Check again'}</button>
    </div>
  </main>`
}
