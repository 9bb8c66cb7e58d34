/**
 * Limits what one caller may use of a server, so that nobody can starve the others. A caller is a credential, or an
 * address without one. Used by the middlewares of access/ and by http/query-scripts.ts.
 */
import { hash, randomBytes } from 'node:crypto'
import ipaddr from 'ipaddr.js'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { ApiError } from '../../domain/errors.ts'
import type { ServerSettings } from '../../domain/settings.ts'
import type { Credential } from '../auth/credentials.ts'

/** `credential`: the role that a valid credential gives; null for a caller without one. */
export type Caller = { credential: Credential | null; address: string }

export type CallerLimits = {
  /** Throws rate_limited (429). A credential is not limited. `bodyBytes`: null when the length is unknown. */
  countRequest(caller: Caller, bodyBytes: number | null): Promise<void>
  /**
   * Runs a script query in the share of its caller. Throws rate_limited. `isCheck`: config_check, which a credential
   * may run without a limit, because a job may create many deployments at once.
   */
  runScriptQuery<T>(caller: Caller, isCheck: boolean, query: () => Promise<T>): Promise<T>
  /** How many requests were refused since the start. */
  refusedCount(): number
}

const windowSeconds = 10
/** A body costs one request more for each of these. */
const bytesPerRequest = 16 * 1024
/** What a body of unknown length costs. */
const unknownBodyRequests = 8

export function createCallerLimits(
  settings: Pick<ServerSettings, 'REQUEST_LIMIT' | 'SCRIPT_QUERY_CALLER_LIMIT'>,
): CallerLimits {
  const requests = createAddressLimiter(settings.REQUEST_LIMIT * windowSeconds, windowSeconds)
  const activeQueries = new Map<string, number>()
  let refused = 0
  const refuse = (message: string, retryAfterSeconds: number): never => {
    refused += 1
    throw new ApiError('rate_limited', message, { retryAfterSeconds })
  }
  return {
    async countRequest({ credential, address }, bodyBytes) {
      if (credential !== null || settings.REQUEST_LIMIT === 0) return
      const bodyRequests = bodyBytes === null ? unknownBodyRequests : Math.floor(bodyBytes / bytesPerRequest)
      const waitSeconds = await requests.consume(address, 1 + bodyRequests)
      if (waitSeconds > 0) refuse(`Too many requests from ${address} without a credential.`, waitSeconds)
    },
    async runScriptQuery({ credential, address }, isCheck, query) {
      const limit = settings.SCRIPT_QUERY_CALLER_LIMIT
      if (limit === 0 || (credential !== null && isCheck)) return query()
      const key = `${isCheck} ${credential ?? groupAddress(address)}`
      const active = activeQueries.get(key) ?? 0
      if (active >= limit) {
        const who = credential === null ? `from ${address}` : 'with your credential'
        refuse(`${limit} requests ${who} wait for a control script already.`, 1)
      }
      activeQueries.set(key, active + 1)
      try {
        return await query()
      } finally {
        const remaining = (activeQueries.get(key) ?? 1) - 1
        if (remaining === 0) activeQueries.delete(key)
        else activeQueries.set(key, remaining)
      }
    },
    refusedCount: () => refused,
  }
}

/** Returns how long the address must wait, in seconds; 0 when it need not. */
export type AddressLimiter = { consume(address: string, points: number): Promise<number> }

/**
 * The limiter keeps one entry for each key, so addresses are hashed to a fixed number of keys: a stranger with many
 * addresses cannot fill the memory. The salt keeps anybody from choosing an address that shares the key of another.
 */
const keyCount = 16_384

export function createAddressLimiter(points: number, durationSeconds: number): AddressLimiter {
  const limiter = new RateLimiterMemory({ points, duration: durationSeconds })
  const salt = randomBytes(16).toString('hex')
  const keyOf = (address: string) =>
    hash('sha256', salt + groupAddress(address), 'buffer').readUInt32BE() % keyCount
  return {
    async consume(address, cost) {
      try {
        await limiter.consume(keyOf(address), cost)
        return 0
      } catch (error) {
        if (!(error instanceof RateLimiterRes)) throw error
        return Math.max(1, Math.ceil(error.msBeforeNext / 1000))
      }
    },
  }
}

/** One customer of a provider has a whole /64 of IPv6 addresses. */
export function groupAddress(address: string): string {
  if (!ipaddr.IPv6.isValid(address)) return address
  return ipaddr.IPv6.networkAddressFromCIDR(`${address}/64`).toString()
}
