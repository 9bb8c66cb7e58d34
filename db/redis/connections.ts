/** Connections to Redis, one kind per purpose with its own time limits. Opened by server and runner. */

import { Redis } from 'ioredis'
import { withTimeout } from '../../lib/with-timeout.ts'
import { type ConnectionOptions, type RedisSettings, serverOptions } from './server-options.ts'

const reconnectDelayMs = (times: number) => Math.min(50 * 2 ** Math.min(times, 6), 2000)

/**
 * For commands: fails within a second while Redis is unreachable instead of queueing. After `socketTimeoutMs` without
 * an answer it closes the connection, because a cut network or a restarted proxy sends no close.
 */
export function createCommandConnection(
  server: string | RedisSettings,
  onError: (error: Error) => void,
  socketTimeoutMs = 3000,
): Redis {
  return createConnection(server, onError, {
    commandTimeout: 1000,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    socketTimeout: socketTimeoutMs,
  })
}

/**
 * For BullMQ workers: waits for Redis to return. Workers send a command at least every 10 s, so a longer silence is a
 * dead connection.
 */
export function createBlockingConnection(
  server: string | RedisSettings,
  onError: (error: Error) => void,
  socketTimeoutMs = 15_000,
): Redis {
  return createConnection(server, onError, { maxRetriesPerRequest: null, socketTimeout: socketTimeoutMs })
}

/**
 * For subscriptions: subscribes again after a reconnect. It pings, because a connection that only receives never
 * notices its end.
 */
export function createSubscriberConnection(
  server: string | RedisSettings,
  onError: (error: Error) => void,
  socketTimeoutMs = 10_000,
): Redis {
  const redis = createBlockingConnection(server, onError, socketTimeoutMs)
  const pingTimer = setInterval(() => {
    if (redis.status === 'ready') redis.ping().catch(() => {})
  }, socketTimeoutMs / 2)
  pingTimer.unref()
  redis.on('end', () => clearInterval(pingTimer))
  return redis
}

function createConnection(
  server: string | RedisSettings,
  onError: (error: Error) => void,
  options: ConnectionOptions,
): Redis {
  const redis = new Redis({
    ...serverOptions(typeof server === 'string' ? { REDIS_URL: server } : server),
    connectTimeout: 2000,
    retryStrategy: reconnectDelayMs,
    // A replica that was the primary before. The address may lead to the new one already.
    reconnectOnError: ({ message }) => message.startsWith('READONLY'),
    ...options,
  })
  redis.on('error', onError)
  return redis
}

/** Sends QUIT, waits at most one second, then disconnects. */
export async function closeRedis(redis: Redis): Promise<void> {
  const quit = redis.status === 'ready' ? redis.quit().catch(() => {}) : Promise.resolve()
  await withTimeout(quit, 1000, () => {})
  redis.disconnect()
}

/** Resolves to false when the connection is not usable within `timeoutMs`. */
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

/** Limits the log: ioredis reports every failed reconnect. */
export function oncePerMinute(log: (error: Error) => void): (error: Error) => void {
  let lastLoggedAt = 0
  return (error) => {
    if (Date.now() - lastLoggedAt < 60_000) return
    lastLoggedAt = Date.now()
    log(error)
  }
}
