/**
 * Counts wrong credentials by address: one log line a minute for each, the metrics, and a limit for an address that
 * tries many different ones. A valid credential never comes here. Used by authenticate.ts and by the websocket.
 */
import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'
import { ApiError } from '../../domain/errors.ts'
import { createAddressLimiter } from './limits.ts'

export type WrongCredentials = {
  /**
   * `mayPass`: the request is answered without the credential too, as where everyone is a user. A proxy may pass on its
   * own credential there, so only one that this address has not sent before counts. Throws rate_limited (429) for an
   * address that has tried too many different ones.
   */
  record(address: string, authorization: string, mayPass: boolean): Promise<void>
  /** How many wrong credentials were sent since the start. */
  count(): number
  /** Logs what the current minute has counted. */
  close(): void
}

/** Different wrong credentials of one address. */
const maxGuesses = 20
const guessWindowSeconds = 60
const logIntervalMs = 60_000
/** More addresses in one minute are logged together. */
const maxLoggedAddresses = 1000
const maxKnownCredentials = 10_000

export function createWrongCredentials(log: Logger): WrongCredentials {
  const limiter = createAddressLimiter(maxGuesses, guessWindowSeconds)
  /** Wrong credentials by address, hashed: the same one again is a stale setting, not a guess. */
  const known = new LRUCache<string, true>({ max: maxKnownCredentials, ttl: 10 * 60_000 })
  const counts = new Map<string, number>()
  let total = 0

  const addToLog = (address: string) => {
    const key = counts.has(address) || counts.size < maxLoggedAddresses ? address : 'other addresses'
    const count = (counts.get(key) ?? 0) + 1
    counts.set(key, count)
    // At once, so that the first failure of a minute is not seen a minute late.
    if (count === 1) log.warn({ address: key, count }, 'wrong credential')
  }
  const logCounts = () => {
    for (const [address, count] of counts) if (count > 1) log.warn({ address, count }, 'wrong credentials')
    counts.clear()
  }
  const timer = setInterval(logCounts, logIntervalMs).unref()

  return {
    async record(address, authorization, mayPass) {
      const key = hash('sha256', `${address} ${authorization}`, 'base64')
      const isKnown = known.get(key) === true
      if (isKnown && mayPass) return
      total += 1
      addToLog(address)
      if (isKnown) return
      const waitSeconds = await limiter.consume(address, 1)
      if (waitSeconds === 0) known.set(key, true)
      else if (!mayPass)
        throw new ApiError('rate_limited', `Too many wrong credentials from ${address}.`, {
          retryAfterSeconds: waitSeconds,
        })
    },
    count: () => total,
    close: () => {
      clearInterval(timer)
      logCounts()
    },
  }
}
