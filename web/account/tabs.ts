/**
 * All tabs share the session cookie, so one that signs in or out tells the others. Each tab writes who it is; the browser
 * announces a changed value to the other tabs. Started by app-context.ts.
 */
import { effect } from '@preact/signals'
import { storageKey } from '../base-path.ts'
import type { Identity } from './identity.ts'
import type { Session } from './session.ts'

const identityKey = storageKey('octopod.identity')

/** Also reads again when a tab comes into view in which nobody is signed in. */
export function shareIdentity(window: Window, session: Session, identity: Identity): void {
  const { localStorage, document } = window
  /** What another tab has written is not written again: two tabs could answer each other for ever. */
  let isFollowing = false
  const follow = async () => {
    if (session.tabCredential.peek() !== null) return
    isFollowing = true
    try {
      await session.reloadConfig()
      await identity.reload()
    } catch {
      // The server cannot be reached; the next request of the tab finds out.
    }
    isFollowing = false
  }
  effect(() => {
    const key = identity.key.value
    if (key === '' || isFollowing || session.tabCredential.peek() !== null) return
    if (localStorage.getItem(identityKey) !== key) localStorage.setItem(identityKey, key)
  })
  window.addEventListener('storage', ({ key, newValue }) => {
    if (key === identityKey && newValue !== identity.key.peek()) void follow()
  })
  document.addEventListener('visibilitychange', () => {
    const isOut = identity.access.peek() === 'signed_out' || identity.hasEnded.peek()
    if (document.visibilityState === 'visible' && isOut) void follow()
  })
}
