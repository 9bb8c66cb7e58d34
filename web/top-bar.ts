/** The head of every page: where one is, whether it is live, who one is. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useApp } from './app-context.ts'
import { ConnectionBadge } from './live/connection-badge.ts'
import { Icon } from './ui/icon.ts'
import { Logo } from './ui/logo.ts'

export function TopBar(): VNode {
  const { projectName, session, overlay } = useApp()
  const entered = session.credential.value
  const open = (what: 'sign-in' | 'name' | 'shortcuts') => () => {
    overlay.value = { panel: what }
  }
  return html`<header class="top">
    <a class="brand" href="/">
      <${Logo} /><span class="brand-word">Octopod</span>${projectName.value !== '' && html`<span class="project">${projectName.value}</span>`}
    </a>
    <div class="top-right">
      <${ConnectionBadge} />
      <${Account} open=${open('name')} />
      ${
        entered === null
          ? html`<button type="button" class="quiet" onClick=${open('sign-in')}>
              <${Icon} name="key" /><span>Sign in</span>
            </button>`
          : html`<span class="role">${entered.role}</span>
              <button type="button" class="quiet" onClick=${session.signOut}>Sign out</button>`
      }
      <button type="button" class="icon-button keys" aria-label="Keyboard shortcuts" title="Keyboard shortcuts" onClick=${open('shortcuts')}>?</button>
    </div>
  </header>`
}

/** The installation's word counts; where it has none, the person's own. */
function Account({ open }: { open: () => void }): VNode {
  const { session } = useApp()
  const actorFromServer = session.actorFromServer.value
  if (actorFromServer !== null)
    return html`<span class="who" title="The name your actions are kept under">${actorFromServer}</span>`
  const name = session.displayName.value
  return html`<button type="button" class="quiet who" title="The name your actions are kept under" onClick=${open}>
    <${Icon} name="person" /><span class="who-name">${name || 'Your name'}</span>
  </button>`
}
