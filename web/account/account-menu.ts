/**
 * The account in the top bar: who is signed in, how that is proved, which role counts and why, the theme, the sessions, and the
 * ways to sign in and out. Escape and a click elsewhere close it.
 */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import type { WhoAmI } from '../../domain/access/access-schemas.ts'
import { decide, mayForAllNames } from '../../domain/access/roles.ts'
import { type Overlay, useApp } from '../app-context.ts'
import { auditPath } from '../audit/audit-filters.ts'
import { doctorPath, tokensPath } from '../routes.ts'
import { ThemeChoice } from '../theme/theme-choice.ts'
import { Icon } from '../ui/icon.ts'
import { IdentityFacts } from './identity-facts.ts'
import { signOut } from './sign-out.ts'

/** `who`: null while nobody is signed in. The theme can be chosen all the same. */
export function AccountMenu({ who }: { who: WhoAmI | null }): VNode {
  const { session, identity } = useApp()
  const open = useSignal(false)
  const ref = useRef<HTMLDivElement>(null)
  const close = (focus: boolean) => {
    open.value = false
    if (focus) ref.current?.querySelector('button')?.focus()
  }
  useLayoutEffect(() => {
    if (!open.value) return
    ref.current?.querySelector<HTMLElement>('[role=dialog]')?.focus()
    const closeOutside = ({ target }: Event) => {
      if (!(target instanceof Node && ref.current?.contains(target))) close(false)
    }
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key === 'Escape') close(true)
    }
    const closing = new AbortController()
    for (const type of ['pointerdown', 'focusin']) document.addEventListener(type, closeOutside, closing)
    document.addEventListener('keydown', onKeyDown, closing)
    return () => closing.abort()
  }, [open.value])
  const name =
    who === null
      ? 'Not signed in'
      : shownName(who, identity.usesDisplayName.value ? session.displayName.value : '')
  return html`<div class="account-menu" ref=${ref}>
    <button
      type="button"
      class=${who === null ? 'ghost-button' : 'ghost-button account'}
      aria-haspopup="dialog"
      aria-expanded=${open.value}
      onClick=${() => {
        open.value = !open.value
      }}
    >
      <span class="visually-hidden">Account: </span><${Icon} name="person" /><span class="account-name">${name}</span>${who?.role && html`<span class="role">${who.role}</span>`}
    </button>
    ${
      open.value &&
      html`<div class="account-panel" role="dialog" aria-label="Account" tabindex="-1">
        <p class="account-title">${name}</p>
        ${who !== null && html`<${IdentityFacts} who=${who} />`}
        <${ThemeChoice} />
        ${who !== null && html`<${AccountActions} who=${who} onDone=${() => close(false)} />`}
      </div>`
    }
  </div>`
}

function AccountActions({ who, onDone }: { who: WhoAmI; onDone: () => void }): VNode {
  const app = useApp()
  const { session, identity, overlay, signInOpen } = app
  const show = (next: Overlay) => () => {
    onDone()
    overlay.value = next
  }
  const signIn = () => {
    onDone()
    signInOpen.value = true
  }
  const permissions = identity.permissions.value
  const hasSessions = who.has_session || (permissions && decide(permissions, 'manage_sessions').isAllowed)
  const canSignOut = who.has_session || session.tabCredential.value !== null
  return html`<div class="account-actions">
    ${identity.usesDisplayName.value && html`<button type="button" class="ghost-button" onClick=${show({ type: 'display-name' })}>Your name…</button>`}
    ${hasSessions && html`<button type="button" class="ghost-button" onClick=${show({ type: 'sessions' })}>${who.subject === null ? 'Sessions…' : 'Your sessions…'}</button>`}
    ${who.role !== null && html`<a class="button ghost-button" href=${auditPath()} onClick=${onDone}>Audit log</a>`}
    ${who.proof !== 'anonymous' && html`<a class="button ghost-button" href=${tokensPath} onClick=${onDone}>Access tokens</a>`}
    ${permissions !== null && mayForAllNames(permissions, 'diagnose') && html`<a class="button ghost-button" href=${doctorPath} onClick=${onDone}>Doctor</a>`}
    ${session.ways.shared && who.role !== 'admin' && html`<button type="button" class="ghost-button" onClick=${signIn}>Sign in as admin…</button>`}
    ${canSignOut && html`<button type="button" class="ghost-button" onClick=${() => void signOut(app)}>Sign out</button>`}
  </div>`
}

/** Without a person, the name that the user has entered says more than the name of the credential. */
function shownName({ proof, actor }: WhoAmI, displayName: string): string {
  if (displayName !== '') return displayName
  return proof === 'anonymous' ? 'Not signed in' : actor
}
