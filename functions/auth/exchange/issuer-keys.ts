/**
 * The public keys of the issuers that trust rules name. PostgreSQL keeps them, so that they count for a day while the issuer is
 * unreachable, also after a restart. All servers together ask an issuer at most once in ten seconds, whatever tokens they get, and
 * once a minute after a failed attempt.
 */
import type { JSONWebKeySet } from 'jose'
import type { Logger } from 'pino'
import type { Database } from '../../../db/pool.ts'
import {
  claimKeyFetch,
  type IssuerKeysRow,
  readIssuerKeys,
  saveIssuerKeys,
  saveKeyProblem,
} from '../../../db/queries/access/issuer-keys.ts'
import { ApiError } from '../../../domain/errors.ts'
import { fetchIssuerKeys } from './fetch-issuer-keys.ts'

export type IssuerKeys = {
  /**
   * The keys of an issuer that a trust rule names. They are fetched when they are old, or do not have `kid`. Throws
   * service_unavailable when there are none of the last day, and for an unknown `kid` after an attempt that has not succeeded.
   */
  find(issuer: string, kid: string | undefined): Promise<JSONWebKeySet>
  /** How many fetches have failed since the start. */
  failureCount(): number
}

/** A key that the issuer has removed counts this much longer. */
const freshMs = 300_000
const maxAgeMs = 24 * 3_600_000
/** Between two attempts when the first one has succeeded: the issuer may have a new key since. */
const successIntervalMs = 10_000
/** Otherwise. */
const failureIntervalMs = 60_000
/** Discovery document and keys together. The answer of the exchange may take 3.9 s. */
const fetchTimeoutMs = 2500
/** Saves the database a query for each exchange. */
const cacheMs = 10_000

type Known = IssuerKeysRow & { readAtMs: number }

export function createIssuerKeys(db: Database, log: Logger): IssuerKeys {
  const known = new Map<string, Known>()
  const running = new Map<string, Promise<Known | null>>()
  let failures = 0

  const read = async (issuer: string): Promise<Known | null> => {
    const readAtMs = performance.now()
    const row = await readIssuerKeys(db, issuer)
    if (row === null) return null
    known.set(issuer, { ...row, readAtMs })
    return { ...row, readAtMs }
  }

  const fetchNow = async (issuer: string, intervalMs: number): Promise<Known | null> => {
    if (!(await claimKeyFetch(db, issuer, intervalMs))) return read(issuer)
    const fetched = await fetchIssuerKeys(issuer, fetchTimeoutMs)
    if ('keys' in fetched) {
      await saveIssuerKeys(db, issuer, fetched.keys)
      log.info({ issuer, keys: fetched.keys.length }, 'keys of an issuer fetched')
    } else {
      failures += 1
      await saveKeyProblem(db, issuer, fetched.problem)
      log.warn({ issuer, problem: fetched.problem }, 'keys of an issuer were not fetched')
    }
    return read(issuer)
  }
  /** Concurrent exchanges share a fetch. */
  const fetchOnce = (issuer: string, intervalMs: number) => {
    const started = running.get(issuer) ?? fetchNow(issuer, intervalMs).finally(() => running.delete(issuer))
    running.set(issuer, started)
    return started
  }

  return {
    async find(issuer, kid) {
      const cached = known.get(issuer)
      const isCached = cached !== undefined && performance.now() - cached.readAtMs < cacheMs
      let row = isCached ? cached : await read(issuer)
      // Another server may have fetched it since.
      if (isCached && needsFetch(row, kid)) row = await read(issuer)
      const intervalMs = row === null || isAttemptOpen(row) ? failureIntervalMs : successIntervalMs
      if (needsFetch(row, kid) && (row === null || ageMs(row, row.attemptedAgoMs) > intervalMs))
        row = await fetchOnce(issuer, intervalMs)
      if (row?.keys == null || row.fetchedAgoMs === null || ageMs(row, row.fetchedAgoMs) > maxAgeMs)
        throw unavailable(issuer, row)
      if (!hasKey(row, kid) && isAttemptOpen(row)) throw unavailable(issuer, row)
      return { keys: row.keys.map((key) => ({ ...key, kty: key.kty ?? '' })) }
    },
    failureCount: () => failures,
  }
}

const ageMs = ({ readAtMs }: Known, agoMs: number) => agoMs + (performance.now() - readAtMs)

/** The last attempt is newer than the last success: it runs, has failed, or its server has crashed. */
const isAttemptOpen = ({ attemptedAgoMs, fetchedAgoMs }: Known) =>
  fetchedAgoMs === null || attemptedAgoMs < fetchedAgoMs

const hasKey = ({ keys }: Known, kid: string | undefined) =>
  kid === undefined || (keys ?? []).some((key) => key.kid === kid)

const needsFetch = (row: Known | null, kid: string | undefined): boolean =>
  row === null || row.fetchedAgoMs === null || ageMs(row, row.fetchedAgoMs) > freshMs || !hasKey(row, kid)

function unavailable(issuer: string, row: Known | null): ApiError {
  const isOld = row?.fetchedAgoMs != null && ageMs(row, row.fetchedAgoMs) > maxAgeMs
  const since = isOld ? ' for more than 24 hours' : ''
  const reason = row?.problem == null ? '' : ` The log of the server has the cause.`
  return new ApiError(
    'service_unavailable',
    `The keys of ${issuer} could not be fetched${since}, so its ID tokens cannot be checked. Try again in a minute.${reason}`,
    { retryAfterSeconds: 5 },
  )
}
