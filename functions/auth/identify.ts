/**
 * Finds out who sends a request: by a shared credential, a trusted proxy or a session, in this order, else it is anonymous.
 * Called by access/authenticate.ts and live/websocket.ts.
 */

import { isDatabaseUnavailable } from '../../db/errors.ts'
import type { PersonMember } from '../../domain/access/policy.ts'
import { ApiError } from '../../domain/errors.ts'
import type { ServerSettings } from '../../domain/settings.ts'
import type { RawRequest } from '../access/sender.ts'
import { identityOfJob, permissionsOfJob } from './exchange/job-identity.ts'
import type { Identity, SharedCredential } from './identity.ts'
import type { PermissionReader } from './permissions.ts'
import type { SessionCookies } from './sessions/session-cookie.ts'
import { macOf } from './sessions/session-secrets.ts'
import type { SessionRecord, SessionStore } from './sessions/session-store.ts'
import type { SharedCredentials } from './shared-credentials.ts'
import { identityOfToken, permissionsOfToken } from './tokens/token-identity.ts'
import type { TokenRecord, TokenStore } from './tokens/token-store.ts'
import { tokenOf } from './tokens/token-text.ts'
import { type ProxyReader, proxyIssuer } from './trusted-proxy.ts'

export type Identifier = {
  /**
   * Throws bad_request for a proxy's headers that were sent twice, session_ended for a cookie without a session, and
   * service_unavailable when the session cannot be read. `authorization` replaces the header, for a websocket.
   */
  identify(
    request: RawRequest,
    beforeRead?: () => Promise<void>,
    authorization?: string,
  ): Identity | Promise<Identity>
  anonymous: Identity
  /** Whether an Authorization header of the request is valid, which no page of a stranger can send. */
  hasValidHeader(request: RawRequest): boolean | Promise<boolean>
  /** The same identity under the present policy. */
  refresh(identity: Identity): Identity
  /** Null: the token was revoked, or its owner may not sign in any more. Not for a request: a token may have expired. */
  ofToken(record: TokenRecord): Identity | null
  /** Null: the session of the record does not count under the present settings. */
  ofSession(sessionId: string, record: SessionRecord): Identity | null
}

type Options = {
  settings: Pick<ServerSettings, 'OIDC_ISSUER' | 'OIDC_ALLOWED_GROUPS' | 'ACTOR_HEADER'>
  credentials: SharedCredentials
  readProxy: ProxyReader
  cookies: SessionCookies
  sessions: SessionStore
  tokens: TokenStore
  permissions: PermissionReader
}

export function createIdentifier(options: Options): Identifier {
  const { settings, credentials, readProxy, cookies, sessions, tokens, permissions } = options

  const shared = (
    credential: SharedCredential,
    isByHeader: boolean,
    session: Identity['session'],
  ): Identity => ({
    proof: 'shared',
    name: credential,
    person: null,
    email: null,
    groups: [],
    permissions: permissions.ofShared(credential),
    key: credential,
    session,
    token: null,
    member: null,
    shared: credential,
    isByHeader,
  })
  const byHeader = { admin: shared('admin', true, null), user: shared('user', true, null) }
  const anonymous: Identity = {
    proof: 'anonymous',
    name: 'anonymous',
    person: null,
    email: null,
    groups: [],
    permissions: permissions.ofAnonymous(),
    key: null,
    session: null,
    token: null,
    member: null,
    shared: null,
    isByHeader: false,
  }
  const ofMember = (member: PersonMember, extra: SharedCredential | null): Identity => ({
    proof: member.kind,
    name: member.person.subject,
    person: member.person,
    email: null,
    groups: member.groups,
    permissions: permissions.ofMember(member, extra),
    key: `${member.person.issuer} ${member.person.subject}`,
    session: null,
    token: null,
    member,
    shared: extra,
    isByHeader: false,
  })

  /** Whether somebody of the provider may sign in under the present settings. */
  const isLetIn = (issuer: string, groups: readonly string[]): boolean => {
    const allowed = settings.OIDC_ALLOWED_GROUPS
    return (
      isSameIssuer(issuer, settings.OIDC_ISSUER) &&
      (allowed.length === 0 || groups.some((group) => allowed.includes(group)))
    )
  }
  const isOwnerLetIn = ({ kind, issuer, groups }: TokenRecord): boolean =>
    kind === 'service' ||
    (issuer === proxyIssuer ? settings.ACTOR_HEADER !== undefined : isLetIn(issuer, groups))
  /** Whether a secret was made with a value that the shared credential still has. */
  const isCurrent = (secret: string, credential: SharedCredential | null, mac: string | null): boolean =>
    credential !== null && credentials.values(credential).some((value) => macOf(secret, value) === mac)

  const ofSession = (sessionId: string, record: SessionRecord): Identity | null => {
    const { proof, issuer, subject, name, email, groups, credential } = record
    const session = { secretId: sessionId, hash: record.tokenHash }
    if (proof === 'shared') {
      return credential !== null && isCurrent(sessionId, credential, record.credentialMac)
        ? shared(credential, false, session)
        : null
    }
    if (issuer === null || subject === null || !isLetIn(issuer, groups)) return null
    const member: PersonMember = { kind: 'oidc', person: { issuer, subject }, groups }
    return { ...ofMember(member, null), name, email, session }
  }

  /** The admin credential is the way back in, so it counts beside the person of the proxy, also as a session. */
  const ofProxy = (member: PersonMember, credential: SharedCredential | null, isByHeader: boolean) => {
    const identity = ofMember(member, credential === 'admin' ? 'admin' : null)
    return credential === 'admin' ? { ...identity, isByHeader } : identity
  }

  /** While a session is cached and the policy stays: a policy may have 2,000 rules. */
  const known = new WeakMap<SessionRecord, { identity: Identity | null; policy: unknown }>()
  const ofCachedSession = (sessionId: string, record: SessionRecord): Identity | null => {
    const policy = permissions.policy()
    const before = known.get(record)
    if (before !== undefined && before.policy === policy) return before.identity
    const identity = ofSession(sessionId, record)
    known.set(record, { identity, policy })
    return identity
  }

  const findSession = (
    sessionId: string,
    beforeRead: (() => Promise<void>) | undefined,
  ): Identity | Promise<Identity> => {
    const toIdentity = (record: SessionRecord | null) => {
      const identity = record === null ? null : ofCachedSession(sessionId, record)
      if (identity !== null) return identity
      throw new ApiError('session_ended', 'This session has ended. Sign in again.')
    }
    const found = sessions.find(sessionId, beforeRead)
    if (!(found instanceof Promise)) return toIdentity(found)
    return found.then(toIdentity, (error) => {
      throw isDatabaseUnavailable(error) ? unreadable('The session', error) : error
    })
  }

  /** While a token is cached and the policy stays. */
  const knownJobs = new WeakMap<TokenRecord, { identity: Identity; policy: unknown }>()
  const ofJob = (record: TokenRecord): Identity => {
    const policy = permissions.policy()
    const before = knownJobs.get(record)
    if (before !== undefined && before.policy === policy) return before.identity
    const identity = identityOfJob(record, permissions)
    knownJobs.set(record, { identity, policy })
    return identity
  }

  const findToken = async (token: string, beforeRead: (() => Promise<void>) | undefined) => {
    let record: TokenRecord
    try {
      record = await tokens.find(token, beforeRead)
    } catch (error) {
      throw isDatabaseUnavailable(error) ? unreadable('The access token', error) : error
    }
    if (record.kind === 'exchange') return ofJob(record)
    const { credential, credentialMac } = record
    if (credential === null ? isOwnerLetIn(record) : isCurrent(token, credential, credentialMac))
      return identityOfToken(record, permissions)
    throw new ApiError(
      'unauthenticated',
      credential === null
        ? 'The owner of this access token may not sign in here any more.'
        : 'The shared credential that has approved this access token has changed.',
    )
  }

  const toIdentity = (record: TokenRecord): Identity =>
    record.kind === 'exchange' ? ofJob(record) : identityOfToken(record, permissions)

  return {
    anonymous,
    identify(request, beforeRead, authorization = request.headers.get('authorization') ?? undefined) {
      const token = tokenOf(authorization)
      if (token !== null) return findToken(token, beforeRead)
      const credential = credentials.match(authorization)
      const member = readProxy(request)
      if (member === null && credential !== null) return byHeader[credential]
      const sessionId = credential === null ? cookies.read(request) : null
      if (member === null) return sessionId === null ? anonymous : findSession(sessionId, beforeRead)
      if (sessionId === null) return ofProxy(member, credential, credential !== null)
      return Promise.try(findSession, sessionId, beforeRead).then(
        (found) => ({
          ...ofProxy(member, found.shared, false),
          session: found.session,
        }),
        // A session that has ended must not keep out whom the proxy lets in.
        (error) => {
          if (error instanceof ApiError && error.code === 'session_ended') return ofProxy(member, null, false)
          throw error
        },
      )
    },
    hasValidHeader: (request) => {
      const authorization = request.headers.get('authorization')
      const token = tokenOf(authorization)
      if (token === null) return credentials.match(authorization) !== null
      return tokens.find(token).then(
        () => true,
        () => false,
      )
    },
    refresh: (identity) => {
      const { member, token, shared: extra } = identity
      if (token?.kind === 'exchange')
        return { ...identity, permissions: permissionsOfJob(token, permissions) }
      if (member === null) return identity
      const now =
        token === null ? permissions.ofMember(member, extra) : permissionsOfToken(token, member, permissions)
      return { ...identity, permissions: now }
    },
    ofToken: (record) => {
      if (record.state === 'revoked') return null
      // Shared credentials change with a new start only.
      return record.kind === 'exchange' || record.credential !== null || isOwnerLetIn(record)
        ? toIdentity(record)
        : null
    },
    ofSession,
  }
}

const unreadable = (what: string, cause: unknown) =>
  new ApiError(
    'service_unavailable',
    `${what} cannot be read, because the database is unreachable; nothing is lost. Try again shortly.`,
    { cause },
  )

/** Some providers write their issuer with a slash at the end, and some settings do not. */
export const isSameIssuer = (issuer: string, setting: string | undefined) =>
  issuer.replace(/\/$/, '') === setting?.replace(/\/$/, '')
