/** The top bar of every page: logo, project, connection badge, help, account. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { AccountMenu } from './account/account-menu.ts'
import { loginPath } from './api/auth.ts'
import { useApp } from './app-context.ts'
import { HelpMenu } from './help/help-menu.ts'
import { ConnectionBadge } from './live/connection-badge.ts'
import { homePath } from './routes.ts'
import { Icon, Logo } from './ui/icon.ts'

export function TopBar(): VNode {
  const { projectName, identity } = useApp()
  // A project that has no name of its own is called octopod: the header does not say it twice.
  const shownProject = /^octopod$/i.test(projectName.value) ? '' : projectName.value
  const who = identity.who.value
  /** Without a right to read there is nothing to be connected to. */
  const access = identity.access.value
  const mayRead = !/signed_out|no_role/.test(access)
  return html`<header class="top-bar">
    <a class="brand" href=${homePath}>
      <${Logo} /><span class="brand-name">Octopod</span>${shownProject !== '' && html`<span class="project">${shownProject}</span>`}
    </a>
    <div class="top-bar-right">
      ${mayRead && html`<${ConnectionBadge} />`}
      ${who !== null && !who.has_session && html`<${SignIn} role=${who.role} />`}
      <${HelpMenu} hasShortcuts=${mayRead} />
      ${access !== 'loading' && html`<${AccountMenu} who=${who} />`}
    </div>
  </header>`
}

/** For somebody who can work without signing in. */
function SignIn({ role }: { role: string | null }): VNode | null {
  const { session, identity, signInOpen } = useApp()
  const { ways } = session
  const isNamed = !identity.usesDisplayName.value
  if (isNamed || session.tabCredential.value !== null || (ways.oidc === null && !ways.shared)) return null
  if (ways.oidc === null && role === 'admin') return null
  const content = html`<${Icon} name="key" /><span>Sign in</span>`
  if (ways.oidc !== null && !ways.shared)
    return html`<a class="button ghost-button" href=${loginPath(homePath)} onClick=${setReturnTo}>${content}</a>`
  return html`<button type="button" class="ghost-button" onClick=${() => (signInOpen.value = true)}>${content}</button>`
}

/** The page may have changed since the link was drawn. */
function setReturnTo({ currentTarget }: { currentTarget: HTMLAnchorElement }): void {
  currentTarget.href = loginPath(location.pathname + location.search)
}
