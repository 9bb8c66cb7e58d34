/**
 * The page's credential and user: the default credential of /config.json or one that the user entered (kept
 * until the tab is closed), and the user's display name. Created by app-context.ts; used by the dialogs of
 * this folder.
 */
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import { headers } from '../../domain/endpoints.ts'
import { type ApiClient, createClient } from '../api/client.ts'
import { ApiError } from '../api/errors.ts'
import { fetchPageConfig } from '../api/page-config.ts'
import { parseJson } from '../api/parse-json.ts'

export type Credential = { header: string; role: 'user' | 'admin' }

export type Session = {
  /** The credential that the user entered; null when none. */
  credential: ReadonlySignal<Credential | null>
  /** The display name that the user entered; '' when none. */
  displayName: ReadonlySignal<string>
  /**
   * The user name that the server determines, for example from a proxy header. Null: the user may enter a
   * display name.
   */
  actorFromServer: Signal<string | null>
  authorization: ReadonlySignal<string>
  isAdmin(): boolean
  /** Whether the server lets this user read the output of actions; null: not known yet. */
  canReadOutput: Signal<boolean | null>
  /** Reloads the default credential. Returns true when it is in use and differs from the refused one. */
  reloadDefaultCredential(refused: string): Promise<boolean>
  /** Throws ApiError when the server rejects the credential. */
  signIn(header: string): Promise<void>
  signOut(): void
  setDisplayName(name: string): void
}

type BrowserStorage = { sessionStorage: Storage; localStorage: Storage }
const credentialKey = 'octopod.credential'
const displayNameKey = 'octopod.actor'

/** `defaultHeader`: the credential of /config.json for everyone who can open the page. */
export function createSession(
  { sessionStorage, localStorage }: BrowserStorage,
  defaultHeader: string,
): Session {
  const defaultCredential = signal(defaultHeader)
  const credential = signal(parseJson<Credential>(sessionStorage.getItem(credentialKey)))
  const displayName = signal(localStorage.getItem(displayNameKey) ?? '')
  return {
    credential,
    displayName,
    actorFromServer: signal(null),
    canReadOutput: signal<boolean | null>(null),
    authorization: computed(() => credential.value?.header ?? defaultCredential.value),
    isAdmin: () => credential.value?.role === 'admin',
    reloadDefaultCredential: async (refused) => {
      if (credential.peek() !== null) return false
      defaultCredential.value = (await fetchPageConfig()).app_auth
      return defaultCredential.peek() !== refused
    },
    signIn: async (text) => {
      const verified = {
        header: text.trim(),
        role: await verifyCredential(text.trim(), defaultCredential.peek()),
      }
      sessionStorage.setItem(credentialKey, JSON.stringify(verified))
      credential.value = verified
    },
    signOut: () => {
      sessionStorage.removeItem(credentialKey)
      credential.value = null
    },
    setDisplayName: (text) => {
      displayName.value = text.trim()
      localStorage.setItem(displayNameKey, displayName.value)
    },
  }
}

/** Asks the server for the project name and the user name. */
export async function loadIdentity(client: ApiClient, session: Session): Promise<{ project: string }> {
  // The server returns this name unless it determines the user itself.
  const claimedActor = session.displayName.peek() || 'unknown'
  const { project, actor, can_read_output } = await client.call('whoami', {
    headers: { [headers.actor]: encodeURIComponent(claimedActor) },
  })
  // A server of the last release does not say it.
  session.canReadOutput.value = can_read_output ?? session.isAdmin()
  session.actorFromServer.value = actor === claimedActor ? null : actor
  return { project }
}

async function verifyCredential(header: string, defaultHeader: string): Promise<Credential['role']> {
  const { role } = await createClient(() => header).call('whoami')
  if (role === 'admin') return 'admin'
  // A user credential is useful only where the default credential is rejected.
  const defaultIsRejected = await createClient(() => defaultHeader)
    .call('whoami')
    .then(
      () => false,
      () => true,
    )
  if (defaultIsRejected) return 'user'
  const message = 'This is not the admin credential.'
  throw new ApiError(message, 403, 'forbidden', 'Ask your DevOps engineer for it.')
}
