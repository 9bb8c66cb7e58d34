/** The top bar of every page: logo, project, connection badge, account. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useApp } from './app-context.ts'
import { ConnectionBadge } from './live/connection-badge.ts'
import { Icon, Logo } from './ui/icon.ts'

export function TopBar(): VNode {
  const { projectName, session, overlay } = useApp()
  const credential = session.credential.value
  // A project that has no name of its own is called octopod: the header does not say it twice.
  const shownProject = /^octopod$/i.test(projectName.value) ? '' : projectName.value
  const open = (type: 'sign-in' | 'display-name' | 'shortcuts') => () => {
    overlay.value = { type }
  }
  return html`<header class="top-bar">
    <a class="brand" href="/">
      <${Logo} /><span class="brand-name">Octopod</span>${shownProject !== '' && html`<span class="project">${shownProject}</span>`}
    </a>
    <div class="top-bar-right">
      <${ConnectionBadge} />
      <${Account} onClick=${open('display-name')} />
      ${
        credential === null
          ? html`<button type="button" class="ghost-button" onClick=${open('sign-in')}>
              <${Icon} name="key" /><span>Sign in</span>
            </button>`
          : html`<span class="role">${credential.role}</span>
              <button type="button" class="ghost-button" onClick=${session.signOut}>Sign out</button>`
      }
      <button type="button" class="icon-button shortcuts-button" aria-label="Keyboard shortcuts" title="Keyboard shortcuts" onClick=${open('shortcuts')}>?</button>
    </div>
  </header>`
}

/** Shows the user name of the server, or the display name with a button to change it. */
function Account({ onClick }: { onClick: () => void }): VNode {
  const { session } = useApp()
  const actorFromServer = session.actorFromServer.value
  if (actorFromServer !== null)
    return html`<span class="account" title="The name shown next to your actions">${actorFromServer}</span>`
  const name = session.displayName.value
  return html`<button type="button" class="ghost-button account" title="The name shown next to your actions" onClick=${onClick}>
    <${Icon} name="person" /><span class="account-name">${name || 'Your name'}</span>
  </button>`
}
