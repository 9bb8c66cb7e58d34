/** Everything that identifies callers, made once from the settings. create-services.ts calls it. */
import { readFile } from 'node:fs/promises'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { Database } from '../../db/pool.ts'
import { readInstallation } from '../../db/queries/access/installation.ts'
import { namesGroup } from '../../domain/access/policy.ts'
import { authPaths } from '../../domain/endpoints.ts'
import { SettingsError } from '../../domain/settings/read-settings.ts'
import type { ServerSettings } from '../../domain/settings.ts'
import type { SenderReader } from '../access/sender.ts'
import { type CodeGuesses, createCodeGuesses } from './device/code-guesses.ts'
import { createExchangeCounter, type ExchangeCounter } from './exchange/exchange-counter.ts'
import { createIssuerKeys, type IssuerKeys } from './exchange/issuer-keys.ts'
import { createIdentifier, type Identifier } from './identify.ts'
import { createOidcProvider, type OidcProvider } from './oidc/provider.ts'
import { createOpenConnections, type OpenConnections } from './open-connections.ts'
import { createPeopleRecorder, type PeopleRecorder } from './people-recorder.ts'
import { createPermissionReader, type PermissionReader } from './permissions.ts'
import { noPolicy, openPolicySource, type PolicySource } from './policy/policy-source.ts'
import { createSessionCookies, type SessionCookies } from './sessions/session-cookie.ts'
import { createSessionStore, type SessionStore } from './sessions/session-store.ts'
import { createSharedCredentials, type SharedCredentials } from './shared-credentials.ts'
import { createSignInCounter, type SignInCounter } from './sign-in-counter.ts'
import { createTokenStore, type TokenStore } from './tokens/token-store.ts'
import { createProxyReader } from './trusted-proxy.ts'

export type Auth = {
  identifier: Identifier
  credentials: SharedCredentials
  cookies: SessionCookies
  sessions: SessionStore
  tokens: TokenStore
  issuerKeys: IssuerKeys
  exchanges: ExchangeCounter
  policy: PolicySource
  permissions: PermissionReader
  connections: OpenConnections
  people: PeopleRecorder
  signIns: SignInCounter
  codeGuesses: CodeGuesses
  /** Null without OIDC_ISSUER. */
  provider: OidcProvider | null
}

type Dependencies = { db: Database; redis: Redis; log: Logger; sender: SenderReader; keepsSessions: boolean }

/** Throws SettingsError for a policy file or a secret that cannot be used. */
export async function createAuth(settings: ServerSettings, dependencies: Dependencies): Promise<Auth> {
  const { db, redis, log, sender, keepsSessions } = dependencies
  const { respectsOwners } = await readInstallation(db)
  const policy =
    settings.OCTOPOD_POLICY === undefined
      ? noPolicy
      : await openPolicySource(settings.OCTOPOD_POLICY, db, log)
  const provider = await createProvider(settings, policy)
  const sessions = createSessionStore({ settings, db, redis, provider, log, keepsSessions })
  const tokens = createTokenStore(db, sessions, log, keepsSessions)
  const people = createPeopleRecorder(db, log)
  warnAboutOpenDoors(settings, respectsOwners, log)
  const issuerKeys = createIssuerKeys(db, log)
  return assembleAuth(settings, {
    sender,
    sessions,
    tokens,
    issuerKeys,
    policy,
    provider,
    respectsOwners,
    log,
    people,
  })
}

type Parts = Pick<Auth, 'sessions' | 'tokens' | 'issuerKeys' | 'policy' | 'provider' | 'people'> & {
  sender: SenderReader
  respectsOwners: boolean
  log: Logger
}

/** For tests too. */
export function assembleAuth(settings: ServerSettings, parts: Parts): Auth {
  const { sender, sessions, tokens, issuerKeys, policy, provider, respectsOwners, log, people } = parts
  const credentials = createSharedCredentials(settings)
  const cookies = createSessionCookies(settings, sender)
  const permissions = createPermissionReader(settings, policy, respectsOwners)
  const readProxy = createProxyReader(settings, sender)
  const identifier = createIdentifier({
    settings,
    credentials,
    readProxy,
    cookies,
    sessions,
    tokens,
    permissions,
  })
  const connections = createOpenConnections(identifier, sessions, tokens, policy, log)
  return {
    identifier,
    credentials,
    cookies,
    sessions,
    tokens,
    issuerKeys,
    exchanges: createExchangeCounter(),
    policy,
    permissions,
    connections,
    provider,
    people,
    signIns: createSignInCounter(),
    codeGuesses: createCodeGuesses(),
  }
}

/** With our own part, a person reads within five seconds that the provider does not answer. */
const providerTimeoutMs = 4500

async function createProvider(settings: ServerSettings, policy: PolicySource): Promise<OidcProvider | null> {
  const { OIDC_ISSUER, OIDC_CLIENT_ID, APP_URL } = settings
  if (OIDC_ISSUER === undefined || OIDC_CLIENT_ID === undefined) return null
  return createOidcProvider({
    issuer: OIDC_ISSUER,
    timeoutMs: providerTimeoutMs,
    clientId: OIDC_CLIENT_ID,
    clientSecret: await readClientSecret(settings),
    scopes: settings.OIDC_SCOPES,
    groupsClaim: settings.OIDC_GROUPS_CLAIM,
    allowedGroups: settings.OIDC_ALLOWED_GROUPS,
    redirectUri: `${APP_URL[0]}${authPaths.callback}`,
    isRelevantGroup: (group) => {
      const current = policy.current()
      return settings.OIDC_ALLOWED_GROUPS.includes(group) || (current !== null && namesGroup(current, group))
    },
  })
}

async function readClientSecret(settings: ServerSettings): Promise<string | undefined> {
  const { OIDC_CLIENT_SECRET, OIDC_CLIENT_SECRET_FILE } = settings
  if (OIDC_CLIENT_SECRET_FILE === undefined) return OIDC_CLIENT_SECRET
  try {
    return (await readFile(OIDC_CLIENT_SECRET_FILE, 'utf8')).trim()
  } catch (error) {
    const { message } = error as Error
    throw new SettingsError(`OIDC_CLIENT_SECRET_FILE: ${OIDC_CLIENT_SECRET_FILE} cannot be read: ${message}`)
  }
}

function warnAboutOpenDoors(settings: ServerSettings, respectsOwners: boolean, log: Logger): void {
  const { ANONYMOUS_ROLE = 'none', ACTOR_HEADER, TRUSTED_PROXIES } = settings
  if (
    (settings.OWNERSHIP ?? respectsOwners) &&
    ['developer', 'operator'].includes(ANONYMOUS_ROLE) &&
    settings.OIDC_ISSUER
  )
    log.warn(
      'ANONYMOUS_ROLE lets everyone change every deployment, so owners are not protected: set it to none or viewer',
    )
  const wide = TRUSTED_PROXIES.filter((range) => isWide(range))
  if (ACTOR_HEADER !== undefined && wide.length > 0)
    log.warn(
      { ranges: wide },
      'every program in these ranges of TRUSTED_PROXIES can act as anybody: name only the addresses of the proxy',
    )
}

/** More than 16 addresses of IPv4. */
function isWide(range: string): boolean {
  const [address = '', bits] = range.split('/')
  return bits !== undefined && Number(bits) < (address.includes(':') ? 124 : 28)
}
