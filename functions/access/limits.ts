/**
 * Limits what one caller may use of a server, so that one caller cannot starve the others. A caller is a credential, or an
 * address without one. Used by the middlewares of access/ and by http/query-scripts.ts.
 */
import { hash, randomBytes } from 'node:crypto'
import ipaddr from 'ipaddr.js'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { ApiError } from '../../domain/errors.ts'
import type { ServerSettings } from '../../domain/settings.ts'

/** `key`: the person or the shared credential; null for an anonymous caller, whose address counts. */
export type Caller = { key: string | null; address: string }

export type CallerLimits = {
  /** Throws rate_limited (429). A caller who is known is not limited. `bodyBytes`: null when the length is unknown. */
  countRequest(caller: Caller, bodyBytes: number | null): Promise<void>
  /**
   * Counts the body of a request in memory until the returned function is called. Throws rate_limited. A caller who is known
   * is not limited. `bodyBytes`: null when the length is unknown.
   */
  holdBody(caller: Caller, bodyBytes: number | null): () => void
  /**
   * Runs a script query in the share of its caller. Throws rate_limited. `isCheck`: config_check, which a credential
   * may run without a limit, because a job may create many deployments at once.
   */
  runScriptQuery<T>(caller: Caller, isCheck: boolean, query: () => Promise<T>): Promise<T>
  /** Counts an open websocket until the returned function is called. Throws rate_limited. */
  holdWebSocket(caller: Caller): () => void
  /** Counts an open stream of the audit log until the returned function is called. Throws rate_limited. */
  holdAuditStream(caller: Caller): () => void
  /** Counts an open stream of app logs until the returned function is called. Throws rate_limited. */
  holdAppLogStream(caller: Caller): () => void
  /** Counts a running request for many deployments until the returned function is called. Throws rate_limited. */
  holdBulk(caller: Caller): () => void
  /** How many requests were refused since the start. */
  refusedCount(): number
}

/** Large enough for 2,000 overrides at both levels; one value may have 100 kB. A larger body is refused. */
export const maxBodyBytes = 1024 * 1024

const windowSeconds = 10
/** A body costs one request more for each of these. */
const bytesPerRequest = 16 * 1024
/** An address without a credential may have this many websockets for each request per second. */
const websocketsPerRequest = 10
/** The streams of the audit log of one caller, and of all. Each reads the database every second. */
const maxAuditStreamsOfCaller = 10
const maxAuditStreams = 100
/** The streams of app logs of one caller, which may be a shared credential, and of all. Each reads Redis five times a second. */
const maxAppLogStreamsOfCaller = 50
const maxAppLogStreams = 200
const streamRetrySeconds = 30
/** The requests for many deployments of one caller, and of all, that a server works on at a time. */
const maxBulkOfCaller = 2
const maxBulk = 16
const bulkRetrySeconds = 5
/** What a body of unknown length costs. */
const unknownBodyRequests = 8
/**
 * The bodies that one address, and all addresses, may have in memory at a time. A request that waits for a script needs
 * several times the size of its body. Bodies that cost no request more do not count, so that ordinary forms are answered
 * while strangers send large ones.
 */
const maxBodyBytesOfAddress = 4 * 1024 * 1024
const maxBodyBytesOfAll = 16 * 1024 * 1024

export function createCallerLimits(
  settings: Pick<ServerSettings, 'REQUEST_LIMIT' | 'SCRIPT_QUERY_CALLER_LIMIT'>,
): CallerLimits {
  const requests = createAddressLimiter(settings.REQUEST_LIMIT * windowSeconds, windowSeconds)
  const held = new Map<string, number>()
  /** Null when more than `limit` would be held. */
  const hold = (key: string, limit: number, amount = 1): (() => void) | null => {
    const count = (held.get(key) ?? 0) + amount
    if (count > limit) return null
    held.set(key, count)
    return () => {
      const remaining = (held.get(key) ?? amount) - amount
      if (remaining === 0) held.delete(key)
      else held.set(key, remaining)
    }
  }
  let refused = 0
  const refuse = (message: string, retryAfterSeconds: number): never => {
    refused += 1
    throw new ApiError('rate_limited', message, { retryAfterSeconds })
  }
  const holdStream = ({ key, address }: Caller, what: string, limit: number, limitOfAll: number) => {
    const release = hold(`stream of ${what} ${key ?? groupAddress(address)}`, limit)
    if (release === null) {
      const who = key === null ? `from ${address}` : 'of yours'
      return refuse(`${limit} streams ${who} follow ${what} already.`, streamRetrySeconds)
    }
    const releaseOfAll = hold(`streams of ${what}`, limitOfAll)
    if (releaseOfAll === null) {
      release()
      return refuse(`Too many clients follow ${what} at this server.`, streamRetrySeconds)
    }
    return () => {
      release()
      releaseOfAll()
    }
  }
  return {
    async countRequest(caller, bodyBytes) {
      if (caller.key !== null || settings.REQUEST_LIMIT === 0) return
      const { address } = caller
      const bodyRequests = bodyBytes === null ? unknownBodyRequests : Math.floor(bodyBytes / bytesPerRequest)
      const waitSeconds = await requests.consume(address, 1 + bodyRequests)
      if (waitSeconds > 0) refuse(`Too many requests from ${address} without a credential.`, waitSeconds)
    },
    holdBody(caller, bodyBytes) {
      // A larger one is refused without being read.
      const bytes = Math.min(bodyBytes ?? maxBodyBytes, maxBodyBytes)
      if (caller.key !== null || settings.REQUEST_LIMIT === 0 || bytes < bytesPerRequest) return () => {}
      const { address } = caller
      const release = hold(`bodies ${groupAddress(address)}`, maxBodyBytesOfAddress, bytes)
      if (release === null) return refuse(`Large requests from ${address} are being answered already.`, 1)
      const releaseOfAll = hold('bodies', maxBodyBytesOfAll, bytes)
      if (releaseOfAll === null) {
        release()
        return refuse('Too many large requests without a credential are being answered already.', 1)
      }
      return () => {
        release()
        releaseOfAll()
      }
    },
    async runScriptQuery({ key, address }, isCheck, query) {
      const limit = settings.SCRIPT_QUERY_CALLER_LIMIT
      if (limit === 0 || (key !== null && isCheck)) return query()
      const release = hold(`${isCheck} ${key ?? groupAddress(address)}`, limit)
      if (release === null) {
        const who = key === null ? `from ${address}` : 'of yours'
        return refuse(`${limit} requests ${who} wait for a control script already.`, 1)
      }
      try {
        return await query()
      } finally {
        release()
      }
    },
    holdWebSocket(caller) {
      const limit = settings.REQUEST_LIMIT * websocketsPerRequest
      if (caller.key !== null || limit === 0) return () => {}
      const { address } = caller
      const release = hold(`websocket ${groupAddress(address)}`, limit)
      return release ?? refuse(`${limit} websockets from ${address} are open already.`, windowSeconds)
    },
    holdAuditStream: (caller) =>
      holdStream(caller, 'the audit log', maxAuditStreamsOfCaller, maxAuditStreams),
    holdAppLogStream: (caller) => holdStream(caller, 'app logs', maxAppLogStreamsOfCaller, maxAppLogStreams),
    holdBulk({ key, address }) {
      const release = hold(`bulk ${key ?? groupAddress(address)}`, maxBulkOfCaller)
      if (release === null) {
        const who = key === null ? `from ${address}` : 'of yours'
        return refuse(
          `${maxBulkOfCaller} requests ${who} for many deployments run already.`,
          bulkRetrySeconds,
        )
      }
      const releaseOfAll = hold('bulk', maxBulk)
      if (releaseOfAll === null) {
        release()
        return refuse('Too many requests for many deployments run at this server.', bulkRetrySeconds)
      }
      return () => {
        release()
        releaseOfAll()
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
