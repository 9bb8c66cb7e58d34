/** Where Redis is and how it is reached: address, user, TLS, Sentinels. Called by connections.ts. */
import { readFileSync } from 'node:fs'
import type { RedisOptions } from 'ioredis'
import { readRedisUrl } from '../../domain/settings/redis-url.ts'
import { UnusableRedis } from './unusable-redis.ts'

export type RedisSettings = { REDIS_URL: string } & Partial<
  Record<'REDIS_CA_FILE' | 'REDIS_CERT_FILE' | 'REDIS_KEY_FILE', string | undefined>
>

/** Without the choice of the form of replies: the default is what the types of ioredis describe. */
export type ConnectionOptions = Omit<RedisOptions, 'replyMapping'>

/** Throws UnusableRedis when a file cannot be read. */
export function serverOptions(settings: RedisSettings): ConnectionOptions {
  const { hosts, username, password, db, isTls, sentinel } = readRedisUrl(settings.REDIS_URL)
  const tls = isTls ? { tls: readFiles(settings) } : {}
  const common: ConnectionOptions = {
    db,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...tls,
  }
  if (sentinel === undefined) return { ...common, ...hosts[0] }
  return {
    ...common,
    name: sentinel.masterName,
    sentinels: hosts,
    ...(sentinel.username === undefined ? {} : { sentinelUsername: sentinel.username }),
    ...(sentinel.password === undefined ? {} : { sentinelPassword: sentinel.password }),
    ...(isTls ? { enableTLSForSentinelMode: true, sentinelTLS: tls.tls } : {}),
    sentinelRetryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 6), 2000),
  }
}

function readFiles(settings: RedisSettings): Record<'ca' | 'cert' | 'key', string | undefined> {
  if ((settings.REDIS_CERT_FILE === undefined) !== (settings.REDIS_KEY_FILE === undefined))
    throw new UnusableRedis('REDIS_CERT_FILE and REDIS_KEY_FILE belong together: set both or none of them.')
  const read = (name: Exclude<keyof RedisSettings, 'REDIS_URL'>) => {
    const file = settings[name]
    if (file === undefined) return undefined
    try {
      return readFileSync(file, 'utf8')
    } catch (error) {
      throw new UnusableRedis(`${name} cannot be read: ${(error as Error).message}.`)
    }
  }
  return { ca: read('REDIS_CA_FILE'), cert: read('REDIS_CERT_FILE'), key: read('REDIS_KEY_FILE') }
}
