/**
 * Caches answers of the config scripts in Redis for all servers and runners. Read by the config handlers of functions/,
 * filled by runner/script-queries.
 */
import type { Redis } from 'ioredis'
import { z } from 'zod'
import type { KeyValue } from '../../domain/overrides.ts'
import { type ScriptAnswer, scriptAnswer } from '../../domain/queue-messages.ts'
import type { ConfigScript } from '../../domain/script.ts'
import { parseMessage } from './events.ts'
import { redisKeys } from './redis-keys.ts'

const cacheEntry = z.object({ at: z.number(), answer: scriptAnswer })
export type CachedAnswer = { ageMs: number; answer: ScriptAnswer }

const cacheKey = (prefix: string, script: ConfigScript, deploymentConfig: readonly KeyValue[]) =>
  redisKeys(prefix).scriptCache(
    script,
    deploymentConfig.map(([key, value]) => `${key}=${value}`),
  )

/** Returns null when there is no entry or Redis is unreachable. */
export async function readScriptCache(
  redis: Redis,
  prefix: string,
  script: ConfigScript,
  deploymentConfig: readonly KeyValue[],
): Promise<CachedAnswer | null> {
  const key = cacheKey(prefix, script, deploymentConfig)
  const text = await redis.get(key).catch(() => null)
  if (text === null) return null
  redis.zadd(redisKeys(prefix).scriptCacheUses, 'XX', Date.now(), key).catch(() => {})
  const entry = parseMessage(cacheEntry, text)
  return entry && { ageMs: Math.max(0, Date.now() - entry.at), answer: entry.answer }
}

/**
 * Stores an answer and deletes those that were used least recently while all together are too large: strangers choose
 * the arguments of the scripts, and Redis must keep room for the queues.
 */
const storeScript = `
local entry, uses, sizes = KEYS[1], KEYS[2], KEYS[3]
local text, ttl, now, limit = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
redis.call('set', entry, text, 'px', ttl)
local growth = #text - tonumber(redis.call('hget', sizes, entry) or 0)
redis.call('zadd', uses, now, entry)
redis.call('hset', sizes, entry, #text)
local total = redis.call('hincrby', sizes, 'total', growth)
while total > limit do
  local oldest = redis.call('zpopmin', uses)[1]
  if not oldest then redis.call('del', sizes) break end
  redis.call('unlink', oldest)
  total = redis.call('hincrby', sizes, 'total', -tonumber(redis.call('hget', sizes, oldest) or 0))
  redis.call('hdel', sizes, oldest)
end
redis.call('pexpire', uses, ttl)
redis.call('pexpire', sizes, ttl)`

const maxBytes = 32 * 1024 * 1024

/** Stores an answer for `ttlMs`. Ignores an unreachable Redis: the script then runs again. */
export async function writeScriptCache(
  redis: Redis,
  prefix: string,
  script: ConfigScript,
  deploymentConfig: readonly KeyValue[],
  answer: ScriptAnswer,
  ttlMs: number,
): Promise<void> {
  const now = Date.now()
  const text = JSON.stringify({ at: now, answer })
  const { scriptCacheUses, scriptCacheSizes } = redisKeys(prefix)
  const keys = [cacheKey(prefix, script, deploymentConfig), scriptCacheUses, scriptCacheSizes]
  await redis
    .eval(storeScript, keys.length, ...keys, text, Math.max(1, Math.round(ttlMs)), now, maxBytes)
    .catch(() => {})
}

/** Deletes all entries. New scripts may give other answers. */
export async function clearScriptCache(redis: Redis, prefix: string): Promise<void> {
  let cursor = '0'
  do {
    const [nextCursor, foundKeys] = await redis.scan(
      cursor,
      'MATCH',
      redisKeys(prefix).scriptCachePattern,
      'COUNT',
      500,
    )
    if (foundKeys.length > 0) await redis.unlink(...foundKeys)
    cursor = nextCursor
  } while (cursor !== '0')
}
