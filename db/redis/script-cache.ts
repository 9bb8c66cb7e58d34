/** Answers of the config scripts, kept in Redis for every server and runner (contract §3). */
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

/** Null when there is none, or Redis is away. */
export async function readScriptCache(
  redis: Redis,
  prefix: string,
  script: ConfigScript,
  deploymentConfig: readonly KeyValue[],
): Promise<CachedAnswer | null> {
  const text = await redis.get(cacheKey(prefix, script, deploymentConfig)).catch(() => null)
  if (text === null) return null
  const found = parseMessage(cacheEntry, text)
  return found && { ageMs: Math.max(0, Date.now() - found.at), answer: found.answer }
}

/** Keeps an answer for `keepMs`; a Redis that is away only means asking again. */
export async function writeScriptCache(
  redis: Redis,
  prefix: string,
  script: ConfigScript,
  deploymentConfig: readonly KeyValue[],
  given: ScriptAnswer,
  ttlMs: number,
): Promise<void> {
  const text = JSON.stringify({ at: Date.now(), answer: given })
  await redis
    .set(cacheKey(prefix, script, deploymentConfig), text, 'PX', Math.max(1, Math.round(ttlMs)))
    .catch(() => {})
}

/** Forgets all answers: new scripts may answer differently. */
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
