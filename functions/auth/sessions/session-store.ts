/**
 * Sessions: finds, creates and ends them, and reads the groups of their people again. PostgreSQL has them; each server keeps what
 * it has read for a few seconds. A session that ends or changes is announced over Redis; without Redis the other servers find out
 * when they read it again. Created by create-services.ts; used by identify.ts, the handlers and the websockets.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'
import type { Database } from '../../../db/pool.ts'
import {
  claimRefresh,
  deleteExpiredSessions,
  type EndedBy,
  endSession,
  findSessions,
  insertSession,
  type NewSession,
  type SessionRecord,
  saveRefresh,
  touchSession,
} from '../../../db/queries/access/sessions.ts'
import { systemActor } from '../../../db/queries/audit/insert-entry.ts'
import { publishSession, type SessionChanged } from '../../../db/redis/events.ts'
import type { ServerSettings } from '../../../domain/settings.ts'
import { delay } from '../../../lib/delay.ts'
import { createSemaphore } from '../../../lib/semaphore.ts'
import { createCredentialCache, type Read } from '../credential-cache.ts'
import type { OidcProvider } from '../oidc/provider.ts'
import { SignInError } from '../oidc/sign-in-error.ts'
import {
  createSessionId,
  decryptTokens,
  encryptTokens,
  hashSessionId,
  type ProviderTokens,
} from './session-secrets.ts'

export type { SessionRecord }

export type SessionInput = Omit<NewSession, 'tokenHash' | 'credentialMac' | 'providerTokens' | 'maxAgeMs'> & {
  tokens: ProviderTokens | null
  /** The HMAC of a shared credential under the new id. */
  credentialMacOf?: (sessionId: string) => string
}

export type SessionStore = {
  /**
   * Null for an unknown or ended session. `beforeRead` may reject, as for an address that tries many ids. Rejects with a database
   * error while the session is unknown here and PostgreSQL is unreachable.
   */
  find(sessionId: string, beforeRead?: () => Promise<void>): SessionRecord | Promise<SessionRecord | null>
  /** Returns the secret id for the cookie. */
  create(input: SessionInput): Promise<string>
  /** Returns the ID token that the session had; undefined when it had ended already. */
  end(tokenHash: string, by: EndedBy, sessionId?: string): Promise<{ idToken: string | null } | undefined>
  /** Called for every ended or changed session, of any server. */
  onChange(listener: (changed: SessionChanged) => void): void
  /** Here and at all other servers. Access tokens use it too. */
  announce(changed: SessionChanged): Promise<void>
  /** From Redis. */
  receive(changed: SessionChanged): void
  /** Whether the end was announced here lately: for what was authorized just before. */
  hasEnded(tokenHash: string): boolean
  /** Forgets what was read: announcements may have been missed. */
  forgetAll(): void
  /** Reads sessions of open websockets and streams again, and refreshes their groups. Announces the ended ones here. */
  revalidate(sessionIds: readonly string[]): Promise<void>
  maxAgeMs(canRefresh: boolean): number
  /** Since the start of this server. */
  startedCount(): number
}

type Options = {
  settings: Pick<
    ServerSettings,
    'SESSION_IDLE_TIMEOUT' | 'SESSION_MAX_AGE' | 'OIDC_REFRESH_INTERVAL' | 'REDIS_PREFIX'
  >
  db: Database
  redis: Redis
  provider: Pick<OidcProvider, 'refresh'> | null
  log: Logger
  /** A server that gets no announcements, as on AWS Lambda, keeps nothing. */
  keepsSessions: boolean
}

const maxCached = 20_000
/** How long a request waits for the groups. */
const refreshWaitMs = 2000
/** Longer than the provider may take: no other server uses the same refresh token. */
const refreshClaimMs = 60_000
const maxRefreshes = 10
/** Without a refresh token the groups cannot be read again, so the person signs in again after this time. */
const maxAgeWithoutRefreshMs = 3_600_000

export function createSessionStore(options: Options): SessionStore {
  const { settings, db, redis, provider, log, keepsSessions } = options
  const idleMs = settings.SESSION_IDLE_TIMEOUT
  const touchIntervalMs = Math.min(300_000, idleMs / 10)
  // A little earlier, so that the interval holds at the end of the refresh.
  const refreshIntervalMs = settings.OIDC_REFRESH_INTERVAL * 0.9
  const cache = createCredentialCache((hashes) => findSessions(db, hashes, idleMs), keepsSessions)
  const listeners: ((changed: SessionChanged) => void)[] = []
  const refreshes = new Map<string, Promise<void>>()
  const permits = createSemaphore(maxRefreshes)
  let started = 0

  const receive = (changed: SessionChanged) => {
    cache.forget(changed.tokenHash, changed.ended)
    for (const listener of listeners) listener(changed)
  }
  const announce = async (changed: SessionChanged) => {
    receive(changed)
    await publishSession(redis, settings.REDIS_PREFIX, changed)
  }
  const end: SessionStore['end'] = async (tokenHash, by, sessionId) => {
    const deleted = await endSession(db, tokenHash, by)
    await announce({ tokenHash, ended: true })
    if (deleted === null) return undefined
    const { providerTokens } = deleted
    const tokens =
      sessionId === undefined || providerTokens === null
        ? null
        : decryptTokens(sessionId, Buffer.from(providerTokens, 'hex'))
    return { idToken: tokens?.idToken ?? null }
  }

  const refresh = async (sessionId: string, record: SessionRecord): Promise<void> => {
    const { tokenHash, issuer, subject } = record
    if (provider === null || issuer === null || subject === null || !(await permits.acquire(refreshWaitMs)))
      return
    try {
      const limits = { intervalMs: refreshIntervalMs, claimMs: refreshClaimMs }
      const claimed = await claimRefresh(db, tokenHash, limits)
      if (claimed === null) return
      const tokens = decryptTokens(sessionId, Buffer.from(claimed, 'hex'))
      const person = await provider.refresh(tokens.refreshToken, { issuer, subject })
      const now = {
        name: person.displayName ?? record.name,
        email: person.displayName === null ? record.email : person.email,
        groups: person.groups ?? record.groups,
      }
      await saveRefresh(db, tokenHash, {
        ...now,
        providerTokens: encryptTokens(sessionId, {
          ...tokens,
          refreshToken: person.refreshToken ?? tokens.refreshToken,
        }),
      })
      const { name, email, groups } = record
      if (!isDeepStrictEqual(now, { name, email, groups })) await announce({ tokenHash, ended: false })
    } catch (error) {
      if (!(error instanceof SignInError) || !endsSession(error)) {
        log.warn({ err: error, person: record.name }, 'groups not read again; the session goes on')
        return
      }
      log.info(
        { person: record.name, code: error.code },
        'session ended: the provider no longer lets this person in',
      )
      await end(tokenHash, systemActor)
    } finally {
      permits.release()
    }
  }
  /** Concurrent requests of a session share its refresh. */
  const refreshOnce = (sessionId: string, record: SessionRecord): Promise<void> => {
    const running = refreshes.get(record.tokenHash)
    if (running !== undefined) return running
    const started = refresh(sessionId, record)
      .catch((error) => log.warn({ err: error }, 'groups not read again; the session goes on'))
      .finally(() => refreshes.delete(record.tokenHash))
    refreshes.set(record.tokenHash, started)
    return started
  }
  /** After a refresh that failed, the next one waits for the claim to expire; until then the old groups count. */
  const failedRefreshes = new LRUCache<string, number>({ max: maxCached })
  const isRefreshDue = ({ record, readAtMs }: Read<SessionRecord>) =>
    provider !== null &&
    record.hasProviderTokens &&
    record.groupsReadAgoMs + (performance.now() - readAtMs) > refreshIntervalMs &&
    performance.now() - (failedRefreshes.get(record.tokenHash) ?? Number.NEGATIVE_INFINITY) > refreshClaimMs

  const touch = ({ tokenHash, seenAgoMs }: SessionRecord) => {
    if (seenAgoMs < touchIntervalMs) return
    touchSession(db, tokenHash).catch((error) =>
      log.debug({ err: error }, 'the use of a session was not stored'),
    )
  }
  const withGroups = async (sessionId: string, found: Read<SessionRecord>) => {
    const { tokenHash } = found.record
    if (!isRefreshDue(found)) return found.record
    await Promise.race([refreshOnce(sessionId, found.record), delay(refreshWaitMs)])
    const again = await cache.read(tokenHash)
    if (again === null) return null
    if (isRefreshDue(again)) failedRefreshes.set(tokenHash, performance.now())
    return again.record
  }

  const readNow = async (sessionId: string, hash: string, beforeRead?: () => Promise<void>) => {
    if (!cache.isKnown(hash)) await beforeRead?.()
    const found = await cache.read(hash)
    if (found === null) return null
    touch(found.record)
    return withGroups(sessionId, found)
  }

  return {
    find(sessionId, beforeRead) {
      const hash = hashSessionId(sessionId)
      const cached = cache.get(hash)
      // Most sessions are known at once, and a promise costs a turn.
      if (cached !== undefined && !isRefreshDue(cached)) return cached.record
      return readNow(sessionId, hash, beforeRead)
    },
    async create({ tokens, credentialMacOf, ...input }) {
      const sessionId = createSessionId()
      started += 1
      const surplus = await insertSession(db, {
        ...input,
        tokenHash: hashSessionId(sessionId),
        credentialMac: credentialMacOf?.(sessionId) ?? null,
        providerTokens: tokens === null ? null : encryptTokens(sessionId, tokens),
        maxAgeMs: this.maxAgeMs(input.proof === 'shared' || tokens !== null),
      })
      deleteExpiredSessions(db, idleMs).catch((error) =>
        log.debug({ err: error }, 'expired sessions were not deleted'),
      )
      await Promise.all(surplus.map((tokenHash) => announce({ tokenHash, ended: true })))
      return sessionId
    },
    end,
    onChange: (listener) => listeners.push(listener),
    announce,
    receive,
    hasEnded: cache.hasEnded,
    forgetAll: cache.forgetAll,
    async revalidate(sessionIds) {
      await Promise.all(
        sessionIds.map(async (sessionId) => {
          const tokenHash = hashSessionId(sessionId)
          const found = await cache.read(tokenHash)
          const record = found === null ? null : await withGroups(sessionId, found)
          if (record === null) receive({ tokenHash, ended: true })
        }),
      )
    },
    startedCount: () => started,
    maxAgeMs: (canRefresh) =>
      canRefresh ? settings.SESSION_MAX_AGE : Math.min(settings.SESSION_MAX_AGE, maxAgeWithoutRefreshMs),
  }
}

const endsSession = ({ code }: SignInError) =>
  code === 'session_ended' || code === 'not_in_allowed_groups' || code === 'groups_missing'
