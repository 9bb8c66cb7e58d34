/**
 * Who the page is for the server: the credential of /config.json, or one a person has entered, which lives as long as
 * the tab; and the name a person gives where nobody else tells it. Made by app-context.ts; the dialogs call it.
 */
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import { headers } from '../../domain/endpoints.ts'
import { type ApiClient, createClient } from '../api/client.ts'
import { ApiError } from '../api/errors.ts'
import { fetchPageConfig } from '../api/page-config.ts'
import { parseJson } from '../api/parse-json.ts'

export type Credential = { header: string; role: 'user' | 'admin' }

export type Session = {
  /** What a person has entered; null when nothing. */
  credential: ReadonlySignal<Credential | null>
  /** The name a person has given; empty when none. */
  displayName: ReadonlySignal<string>
  /** The name the installation itself tells of whoever asks: then nobody is asked for one. */
  actorFromServer: Signal<string | null>
  authorization: ReadonlySignal<string>
  isAdmin(): boolean
  /** Asks what the installation gives to everybody now. True: it would be used, and is not what was refused. */
  reloadDefaultCredential(refused: string): Promise<boolean>
  /** Throws a Problem when the server does not take it. */
  signIn(header: string): Promise<void>
  signOut(): void
  setDisplayName(actor: string): void
}

type BrowserStorage = { sessionStorage: Storage; localStorage: Storage }
const credentialKey = 'octopod.credential'
const displayNameKey = 'octopod.actor'

/** `given`: the credential the installation gives to everybody who may open the page. */
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

/** Who the server takes us for. `told`: a name that it gives whatever we say. */
export async function loadIdentity(client: ApiClient, session: Session): Promise<{ project: string }> {
  const claimedActor = session.displayName.peek() || 'somebody'
  const { project, actor } = await client.call('whoami', {
    headers: { [headers.actor]: encodeURIComponent(claimedActor) },
  })
  session.actorFromServer.value = actor === claimedActor ? null : actor
  return { project }
}

async function verifyCredential(header: string, defaultHeader: string): Promise<Credential['role']> {
  const { role } = await createClient(() => header).call('whoami')
  if (role === 'admin') return role
  // Good for a user. That helps only where the page could not even read before.
  const defaultIsRejected = await createClient(() => defaultHeader)
    .call('whoami')
    .then(
      () => false,
      () => true,
    )
  if (defaultIsRejected) return role
  const words = 'This is not the admin credential.'
  throw new ApiError(words, 403, 'not_allowed', 'Ask your DevOps engineer for it.')
}
