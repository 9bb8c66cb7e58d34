/** Connections to Redis. Each purpose has its own kind of patience; none waits for ever. */

import { Redis } from 'ioredis'
import { withTimeout } from '../../lib/with-timeout.ts'

const reconnectDelayMs = (times: number) => Math.min(50 * 2 ** Math.min(times, 6), 2000)

/**
 * For commands: fails within a second while Redis is away, instead of queueing. A connection whose other end has gone without
 * a word (a network that was cut, a proxy that forgot it) is given up when a command has had no answer for `silenceMs`.
 */
export function createCommandConnection(
  url: string,
  onError: (error: Error) => void,
  socketTimeoutMs = 3000,
): Redis {
  const redis = new Redis(url, {
    commandTimeout: 1000,
    connectTimeout: 2000,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: reconnectDelayMs,
    socketTimeout: socketTimeoutMs,
  })
  redis.on('error', onError)
  return redis
}

/** For BullMQ workers: waits for Redis to come back. They ask for work at least every 10 s, so a longer silence is a dead end. */
export function createBlockingConnection(
  url: string,
  onError: (error: Error) => void,
  socketTimeoutMs = 15_000,
): Redis {
  const redis = new Redis(url, {
    connectTimeout: 2000,
    maxRetriesPerRequest: null,
    retryStrategy: reconnectDelayMs,
    socketTimeout: socketTimeoutMs,
  })
  redis.on('error', onError)
  return redis
}

/** For subscriptions: re-subscribes by itself. One that only listens would never notice a dead end, so it asks now and then. */
export function createSubscriberConnection(
  url: string,
  onError: (error: Error) => void,
  socketTimeoutMs = 10_000,
): Redis {
  const redis = createBlockingConnection(url, onError, socketTimeoutMs)
  const pingTimer = setInterval(() => {
    if (redis.status === 'ready') redis.ping().catch(() => {})
  }, socketTimeoutMs / 2)
  pingTimer.unref()
  redis.on('end', () => clearInterval(pingTimer))
  return redis
}

/** Closes politely within a second, then for good. */
export async function closeRedis(redis: Redis): Promise<void> {
  const quit = redis.status === 'ready' ? redis.quit().catch(() => {}) : Promise.resolve()
  await withTimeout(quit, 1000, () => {})
  redis.disconnect()
}

/** Waits until the connection is usable, at most `ms`; false when it is not by then. */
export async function waitUntilReady(redis: Redis, timeoutMs: number): Promise<boolean> {
  if (redis.status === 'ready') return true
  return new Promise((resolve) => {
    const done = (ready: boolean) => {
      clearTimeout(timer)
      redis.off('ready', isReady)
      resolve(ready)
    }
    const isReady = () => done(true)
    const timer = setTimeout(() => done(false), timeoutMs)
    redis.on('ready', isReady)
  })
}

/** ioredis reports every failed reconnect; telling of it once a minute is enough. */
export function oncePerMinute(log: (error: Error) => void): (error: Error) => void {
  let lastLoggedAt = 0
  return (error) => {
    if (Date.now() - lastLoggedAt < 60_000) return
    lastLoggedAt = Date.now()
    log(error)
  }
}
