/** Access tokens: finds, creates and revokes them. Created by create-services.ts; used by identify.ts and the handlers. */
import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'
import type { Database } from '../../../db/pool.ts'
import {
  findTokens,
  insertToken,
  type NewToken,
  recordTokenUse,
  revokeToken,
  type TokenRecord,
} from '../../../db/queries/access/tokens.ts'
import { type AuditActor, systemActor } from '../../../db/queries/audit/insert-entry.ts'
import { ApiError } from '../../../domain/errors.ts'
import { createCredentialCache } from '../credential-cache.ts'
import type { SessionStore } from '../sessions/session-store.ts'
import { createTokenText, hashToken, isWellFormed } from './token-text.ts'

export type { TokenRecord }

export type TokenInput = Omit<NewToken, 'tokenHash' | 'kind'> & { kind: 'personal' | 'service' }

export type TokenStore = {
  /**
   * Throws unauthenticated for a token that is mistyped, unknown, expired or revoked. `beforeRead` may reject, as for an address
   * that tries many. Rejects with a database error while the token is unknown here and PostgreSQL is unreachable.
   */
  find(token: string, beforeRead?: () => Promise<void>): Promise<TokenRecord>
  /** From PostgreSQL, for open connections. Null: there is none. Ended tokens of CI jobs are deleted. */
  readAgain(tokenHash: string): Promise<TokenRecord | null>
  /** Notes the use, at most once a minute. */
  recordUse(record: TokenRecord, address: string): void
  /** Returns the token, which nobody can read again. Throws bad_request for too many valid ones. */
  create(input: TokenInput): Promise<{ id: number; token: string }>
  /** False: it is revoked already, or does not exist. */
  revoke(id: number, revokedBy: string, by?: AuditActor): Promise<boolean>
}

const useIntervalMs = 60_000
/** Valid tokens of one person or service. Many people share a credential. */
export const maxTokensOf = ({ credential }: Pick<NewToken, 'credential'>): number =>
  credential === null ? 100 : 1000

/** Announcements go the way of those of sessions. */
export function createTokenStore(
  db: Database,
  sessions: Pick<SessionStore, 'onChange' | 'announce'>,
  log: Logger,
  keepsTokens: boolean,
): TokenStore {
  const cache = createCredentialCache((hashes) => findTokens(db, hashes), keepsTokens)
  const usedLately = new LRUCache<string, true>({ max: 20_000, ttl: useIntervalMs })
  sessions.onChange(({ tokenHash, ended }) => cache.forget(tokenHash, ended))
  return {
    async find(token, beforeRead) {
      if (!isWellFormed(token))
        throw new ApiError(
          'unauthenticated',
          'This access token is incomplete or mistyped: its checksum is wrong.',
        )
      const hash = hashToken(token)
      const cached = cache.get(hash)
      if (cached === undefined && !cache.isKnown(hash)) await beforeRead?.()
      const found = cached ?? (await cache.read(hash))
      if (found === null)
        throw new ApiError('unauthenticated', 'This access token is unknown here, or it was revoked.')
      const { record } = found
      if (
        record.state === 'expired' ||
        (record.state === 'valid' && performance.now() - found.readAtMs >= record.expiresInMs)
      )
        throw new ApiError(
          'unauthenticated',
          `This access token of ${record.name} has expired. ${record.kind === 'exchange' ? 'Exchange an ID token again' : 'Create a new one'}.`,
        )
      if (record.state === 'revoked') throw new ApiError('unauthenticated', 'This access token was revoked.')
      return record
    },
    readAgain: async (tokenHash) => (await cache.read(tokenHash))?.record ?? null,
    recordUse({ tokenHash, usedAgoMs }, address) {
      if (usedLately.has(tokenHash)) return
      usedLately.set(tokenHash, true)
      // Another server may have noted it.
      if (usedAgoMs !== null && usedAgoMs < useIntervalMs) return
      recordTokenUse(db, tokenHash, address).catch((error) =>
        log.debug({ err: error }, 'the use of an access token was not stored'),
      )
    },
    async create(input) {
      const token = createTokenText(input.kind)
      const maxTokens = maxTokensOf(input)
      const id = await insertToken(db, { ...input, tokenHash: hashToken(token) }, maxTokens)
      if (id === undefined)
        throw new ApiError(
          'bad_request',
          `${input.name} has ${maxTokens} valid access tokens. Revoke one first.`,
        )
      return { id, token }
    },
    async revoke(id, revokedBy, by = systemActor) {
      const tokenHash = await revokeToken(db, id, revokedBy, by)
      if (tokenHash === null) return false
      await sessions.announce({ tokenHash, ended: true })
      return true
    },
  }
}
