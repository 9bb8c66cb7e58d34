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
  const text = await redis.get(cacheKey(prefix, script, deploymentConfig)).catch(() => null)
  if (text === null) return null
  const entry = parseMessage(cacheEntry, text)
  return entry && { ageMs: Math.max(0, Date.now() - entry.at), answer: entry.answer }
}

/** Stores an answer for `ttlMs`. Ignores an unreachable Redis: the script then runs again. */
export async function writeScriptCache(
  redis: Redis,
  prefix: string,
  script: ConfigScript,
  deploymentConfig: readonly KeyValue[],
  answer: ScriptAnswer,
  ttlMs: number,
): Promise<void> {
  const text = JSON.stringify({ at: Date.now(), answer })
  await redis
    .set(cacheKey(prefix, script, deploymentConfig), text, 'PX', Math.max(1, Math.round(ttlMs)))
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
