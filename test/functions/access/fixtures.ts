/** Requests and settings for tests of the rules in functions/access. */
import { pino } from 'pino'
import { readSettings } from '../../../domain/settings/read-settings.ts'
import type { ServerSettings } from '../../../domain/settings.ts'
import { type Access, createAccess } from '../../../functions/access/access.ts'
import { createSenderReader, type RawRequest } from '../../../functions/access/sender.ts'
import { type Auth, assembleAuth } from '../../../functions/auth/auth.ts'
import type { IssuerKeys } from '../../../functions/auth/exchange/issuer-keys.ts'
import { noPolicy } from '../../../functions/auth/policy/policy-source.ts'
import type { SessionStore } from '../../../functions/auth/sessions/session-store.ts'
import type { TokenStore } from '../../../functions/auth/tokens/token-store.ts'

export const serverSettings = (environment: Record<string, string> = {}): ServerSettings =>
  readSettings('server', {
    DATABASE_URL: 'postgres://x',
    REDIS_URL: 'redis://x',
    ANONYMOUS_ROLE: environment.APP_AUTHORIZATION_HEADER === undefined ? 'developer' : 'none',
    ...environment,
  })

export const rawRequest = (headers: Record<string, string>, peerAddress = '203.0.113.9'): RawRequest => ({
  peerAddress,
  headers: { get: (name) => headers[name.toLowerCase()] },
  countLines: (name) => (headers[name.toLowerCase()] === undefined ? 0 : 1),
})

/** Everything that identifies callers, without a database: no cookie is a session. */
export function testAuth(settings: ServerSettings): Auth {
  const log = pino({ level: 'silent' })
  const sender = createSenderReader(settings)
  const sessions = {
    find: async () => null,
    onChange: () => {},
    revalidate: async () => {},
  } as unknown as SessionStore
  const tokens = {} as TokenStore
  const issuerKeys = {} as IssuerKeys
  return assembleAuth(settings, {
    sender,
    sessions,
    tokens,
    issuerKeys,
    policy: noPolicy,
    people: { record: () => undefined },
    provider: null,
    respectsOwners: true,
    log,
  })
}

export function testAccess(settings: ServerSettings): Access {
  const log = pino({ level: 'silent' })
  return createAccess(
    settings,
    createSenderReader(settings),
    testAuth(settings).identifier.hasValidHeader,
    log,
  )
}
