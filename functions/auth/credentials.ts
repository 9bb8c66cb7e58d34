/** Decides the role of a request by its credential. Called by access/authenticate.ts and live/websocket.ts. */
import { hash, timingSafeEqual } from 'node:crypto'
import type { RequiredRole, Role } from '../../domain/api-schema.ts'
import { ApiError } from '../../domain/errors.ts'
import type { ServerSettings } from '../../domain/settings.ts'

type Authorization = string | null | undefined

/** A credential of this installation, named by the role that it gives. */
export type Credential = Exclude<Role, 'open'>

/** `open` is no role at all. `credential` is null for a missing or wrong one. */
export type Identity = { role: Role; credential: Credential | null }

export type CredentialSettings = Pick<
  ServerSettings,
  'APP_AUTHORIZATION_HEADER' | 'POWER_AUTHORIZATION_HEADER'
>

export function identify(settings: CredentialSettings, authorization: Authorization): Identity {
  if (matchesCredential(authorization, settings.POWER_AUTHORIZATION_HEADER))
    return { role: 'admin', credential: 'admin' }
  if (matchesCredential(authorization, settings.APP_AUTHORIZATION_HEADER))
    return { role: 'user', credential: 'user' }
  return { role: settings.APP_AUTHORIZATION_HEADER === undefined ? 'user' : 'open', credential: null }
}

/** Whether the installation has a credential, which can then be a wrong one. */
export const hasCredentials = (settings: ServerSettings): boolean =>
  settings.POWER_AUTHORIZATION_HEADER !== undefined || settings.APP_AUTHORIZATION_HEADER !== undefined

/** Whether the header is a credential of this installation; null without one. */
export function isRecognized(settings: ServerSettings, authorization: Authorization): boolean | null {
  return authorization ? identify(settings, authorization).credential !== null : null
}

/** Takes the same time for every value of every length, so that the time reveals nothing about the credential. */
function matchesCredential(authorization: Authorization, expected: string | undefined): boolean {
  if (!authorization || expected === undefined) return false
  return timingSafeEqual(digest(authorization), digest(expected))
}

const digest = (text: string) => hash('sha256', text, 'buffer')

const rank: Record<Role, number> = { open: 0, user: 1, admin: 2 }

export const isAllowed = (role: Role, required: Role): boolean => rank[role] >= rank[required]

/** OUTPUT_READERS in the roles that exist. There is no operator yet: an admin is one. */
export const canReadOutput = (settings: ServerSettings, role: Role): boolean =>
  isAllowed(role, resolveRole(settings, 'output_reader'))

/** The role that an endpoint needs in this installation. */
export function resolveRole(settings: ServerSettings, required: RequiredRole): Role {
  if (required !== 'output_reader') return required
  return settings.OUTPUT_READERS === 'developer' ? 'user' : 'admin'
}

/** Throws unauthenticated (401) for a missing or unknown credential, forbidden (403) for one with too low a role. */
export function requireRole(role: Role, required: Role, authorization: Authorization): void {
  if (isAllowed(role, required)) return
  if (role === 'open' || !authorization) {
    const message = required === 'admin' ? 'This needs the admin credential' : 'This needs a credential'
    throw new ApiError('unauthenticated', `${message} in the Authorization header.`)
  }
  throw new ApiError('forbidden', 'Your credential does not allow this: it needs the admin credential.')
}
