/**
 * Who the page is for the server: the credential of /config.json, or one a person has entered, which lives as long as
 * the tab. Made by main.ts; the sign-in dialog calls it.
 */
import { type ReadonlySignal, signal } from '@preact/signals'
import { type Client, createClient } from './api.ts'
import { Problem } from './problem.ts'

export type Credential = { header: string; role: 'user' | 'admin' }

export type Session = {
  /** What a person has entered; null when nothing. */
  entered: ReadonlySignal<Credential | null>
  authorization(): string
  isAdmin(): boolean
  /** Throws a Problem when the server does not take it. */
  signIn(header: string): Promise<void>
  signOut(): void
}

const storageKey = 'octopod.credential'

/** `standard`: the credential the installation gives to everybody who may open the page. */
export function openSession(storage: Storage, standard: string): Session {
  const entered = signal<Credential | null>(read(storage))
  return {
    entered,
    authorization: () => entered.value?.header ?? standard,
    isAdmin: () => entered.value?.role === 'admin',
    signIn: async (text) => {
      const header = text.trim()
      const credential = {
        header,
        role: await roleOf(
          createClient(() => header),
          standard,
        ),
      }
      storage.setItem(storageKey, JSON.stringify(credential))
      entered.value = credential
    },
    signOut: () => {
      storage.removeItem(storageKey)
      entered.value = null
    },
  }
}

/** Asks for something only an admin may see and nobody has: "no such action" is the answer for an admin. */
async function roleOf(client: Client, standard: string): Promise<Credential['role']> {
  try {
    await client.ask('getOutput', { params: { action_id: 0 } })
    return 'admin'
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    if (error.code === 'no_such_action') return 'admin'
    if (error.code !== 'not_allowed') throw error
    // Good for a user. That helps only where the page could not even read before.
    const needed = await createClient(() => standard)
      .ask('getProjectName')
      .then(
        () => false,
        () => true,
      )
    if (needed) return 'user'
    throw new Problem(
      'This is not the admin credential.',
      403,
      'not_allowed',
      'Ask your DevOps engineer for it.',
    )
  }
}

function read(storage: Storage): Credential | null {
  try {
    return JSON.parse(storage.getItem(storageKey) ?? 'null') as Credential | null
  } catch {
    return null
  }
}
