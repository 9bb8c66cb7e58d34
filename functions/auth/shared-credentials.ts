/**
 * The shared credentials of Octopod 1.6: exact values of the Authorization header, several of each for rotation. Used by
 * identify.ts and the sessions.
 */
import { hash, timingSafeEqual } from 'node:crypto'
import type { ServerSettings } from '../../domain/settings.ts'
import type { SharedCredential } from './identity.ts'

export type SharedCredentials = {
  /** Null for a missing or wrong one. */
  match(authorization: string | null | undefined): SharedCredential | null
  /** The values of a credential. */
  values(credential: SharedCredential): readonly string[]
  /** Whether the installation has any, which can then be a wrong one. */
  exist: boolean
}

export type SharedCredentialSettings = Pick<
  ServerSettings,
  'APP_AUTHORIZATION_HEADER' | 'POWER_AUTHORIZATION_HEADER' | 'SHARED_CREDENTIALS'
>

export function createSharedCredentials(settings: SharedCredentialSettings): SharedCredentials {
  const values = {
    admin: settings.SHARED_CREDENTIALS ? settings.POWER_AUTHORIZATION_HEADER : [],
    user: settings.SHARED_CREDENTIALS ? settings.APP_AUTHORIZATION_HEADER : [],
  }
  const digests = { admin: values.admin.map(digest), user: values.user.map(digest) }
  return {
    match(authorization) {
      if (!authorization) return null
      const sent = digest(authorization)
      if (contains(digests.admin, sent)) return 'admin'
      return contains(digests.user, sent) ? 'user' : null
    },
    values: (credential) => values[credential],
    exist: values.admin.length + values.user.length > 0,
  }
}

/** Takes the same time for every value of every length, so that the time reveals nothing about the credential. */
function contains(digests: readonly Buffer[], sent: Buffer): boolean {
  let found = false
  for (const expected of digests) found = timingSafeEqual(sent, expected) || found
  return found
}

const digest = (text: string) => hash('sha256', text, 'buffer')
