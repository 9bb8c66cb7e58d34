/**
 * How the requests of this page are authenticated: by a session cookie that all tabs share, by a credential that only this
 * tab has, or by the default credential of /config.json. Created by app-context.ts. Who that is says identity.ts.
 */
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import { ApiError } from '../../client/errors.ts'
import { parseJson } from '../../client/parse-json.ts'
import { endSession, startSession } from '../api/auth.ts'
import { createClient } from '../api/client.ts'
import { fetchPageConfig, type PageConfig } from '../api/page-config.ts'
import { storageKey } from '../base-path.ts'

export type SignInWays = NonNullable<PageConfig['sign_in']>

export type Session = {
  /** The ways to sign in that this installation offers. */
  ways: SignInWays
  /** Whether the browser has a session cookie. The page cannot read it. */
  hasSession: Signal<boolean>
  /** The credential that only this tab has, where there can be no session; null when none. */
  tabCredential: ReadonlySignal<string | null>
  /** The value of the Authorization header; '' with a session, and without any credential. */
  authorization: ReadonlySignal<string>
  /** The display name that the user entered; '' when none. */
  displayName: ReadonlySignal<string>
  setDisplayName(name: string): void
  /** Reads again whether there is a session: another tab may have signed in or out. */
  reloadConfig(): Promise<void>
  /** Reloads the default credential. Returns true when it is in use and differs from the refused one. */
  reloadDefaultCredential(refused: string): Promise<boolean>
  /** Exchanges a shared credential for a session. Throws ApiError when the server rejects it. */
  signIn(credential: string): Promise<void>
  /** Returns where the browser also signs out of the provider; null: nowhere. */
  signOut(): Promise<string | null>
}

type BrowserStorage = { sessionStorage: Storage; localStorage: Storage }
const credentialKey = storageKey('octopod.credential')
const displayNameKey = storageKey('octopod.actor')

export function createSession(
  { sessionStorage, localStorage }: BrowserStorage,
  config: Pick<PageConfig, 'app_auth' | 'sign_in' | 'has_session'>,
): Session {
  const defaultCredential = signal(config.app_auth)
  const hasSession = signal(config.has_session ?? false)
  const tabCredential = signal(
    parseJson<{ header: string }>(sessionStorage.getItem(credentialKey))?.header ?? null,
  )
  const displayName = signal(localStorage.getItem(displayNameKey) ?? '')
  const keepInTab = (header: string | null) => {
    if (header === null) sessionStorage.removeItem(credentialKey)
    else sessionStorage.setItem(credentialKey, JSON.stringify({ header }))
    tabCredential.value = header
  }
  const reloadConfig = async () => {
    const { app_auth, has_session } = await fetchPageConfig()
    defaultCredential.value = app_auth
    hasSession.value = has_session ?? false
  }
  return {
    // A server of the last release does not say it.
    ways: config.sign_in ?? { oidc: null, shared: true, anonymous: true },
    hasSession,
    tabCredential,
    authorization: computed(() => tabCredential.value ?? (hasSession.value ? '' : defaultCredential.value)),
    displayName,
    setDisplayName: (text) => {
      displayName.value = text.trim()
      localStorage.setItem(displayNameKey, displayName.value)
    },
    reloadConfig,
    reloadDefaultCredential: async (refused) => {
      if (tabCredential.peek() !== null || hasSession.peek()) return false
      await reloadConfig()
      return !hasSession.peek() && defaultCredential.peek() !== refused
    },
    signIn: async (text) => {
      const credential = text.trim()
      if (await startSession(credential)) {
        keepInTab(null)
        hasSession.value = true
        return
      }
      await verifyCredential(credential)
      keepInTab(credential)
    },
    signOut: async () => {
      const location = hasSession.peek() ? await endSession() : null
      keepInTab(null)
      hasSession.value = false
      return location
    },
  }
}

async function verifyCredential(credential: string): Promise<void> {
  const { credential_recognized } = await createClient(() => credential).call('whoami')
  if (credential_recognized !== false) return
  const hint = 'Ask your DevOps engineer for it.'
  const message = 'This is no credential of this installation.'
  throw new ApiError('rejected', message, { status: 401, code: 'unauthenticated', hint })
}
