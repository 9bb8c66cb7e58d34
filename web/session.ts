/**
 * Who the page is for the server: the credential of /config.json, or one a person has entered, which lives as long as
 * the tab; and the name a person gives where nobody else tells it. Made by world.ts; the dialogs call it.
 */
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import { headers } from '../domain/places.ts'
import { type Client, createClient } from './api.ts'
import { fetchConfig } from './config.ts'
import { parseJson } from './json.ts'
import { Problem } from './problem.ts'

export type Credential = { header: string; role: 'user' | 'admin' }

export type Session = {
  /** What a person has entered; null when nothing. */
  entered: ReadonlySignal<Credential | null>
  /** The name a person has given; empty when none. */
  actor: ReadonlySignal<string>
  /** The name the installation itself tells of whoever asks: then nobody is asked for one. */
  told: Signal<string | null>
  authorization: ReadonlySignal<string>
  isAdmin(): boolean
  /** Asks what the installation gives to everybody now. True: it would be used, and is not what was refused. */
  relearn(refused: string): Promise<boolean>
  /** Throws a Problem when the server does not take it. */
  signIn(header: string): Promise<void>
  signOut(): void
  name(actor: string): void
}

type Stores = { sessionStorage: Storage; localStorage: Storage }
const credentialKey = 'octopod.credential'
const actorKey = 'octopod.actor'

/** `given`: the credential the installation gives to everybody who may open the page. */
export function openSession({ sessionStorage, localStorage }: Stores, given: string): Session {
  const standard = signal(given)
  const entered = signal(parseJson<Credential>(sessionStorage.getItem(credentialKey)))
  const actor = signal(localStorage.getItem(actorKey) ?? '')
  return {
    entered,
    actor,
    told: signal(null),
    authorization: computed(() => entered.value?.header ?? standard.value),
    isAdmin: () => entered.value?.role === 'admin',
    relearn: async (refused) => {
      if (entered.peek() !== null) return false
      standard.value = (await fetchConfig()).app_auth
      return standard.peek() !== refused
    },
    signIn: async (text) => {
      const credential = { header: text.trim(), role: await roleOf(text.trim(), standard.peek()) }
      sessionStorage.setItem(credentialKey, JSON.stringify(credential))
      entered.value = credential
    },
    signOut: () => {
      sessionStorage.removeItem(credentialKey)
      entered.value = null
    },
    name: (text) => {
      actor.value = text.trim()
      localStorage.setItem(actorKey, actor.value)
    },
  }
}

/** Who the server takes us for. `told`: a name that it gives whatever we say. */
export async function whoAmI(client: Client, session: Session): Promise<{ project: string }> {
  const said = session.actor.peek() || 'somebody'
  const { project, actor } = await client.ask('whoami', {
    headers: { [headers.actor]: encodeURIComponent(said) },
  })
  session.told.value = actor === said ? null : actor
  return { project }
}

async function roleOf(header: string, standard: string): Promise<Credential['role']> {
  const { role } = await createClient(() => header).ask('whoami')
  if (role === 'admin') return role
  // Good for a user. That helps only where the page could not even read before.
  const helps = await createClient(() => standard)
    .ask('whoami')
    .then(
      () => false,
      () => true,
    )
  if (helps) return role
  const words = 'This is not the admin credential.'
  throw new Problem(words, 403, 'not_allowed', 'Ask your DevOps engineer for it.')
}
