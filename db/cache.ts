/** Answers of the config scripts, kept in Redis for every server and runner (contract §3). */
import type { Redis } from 'ioredis'
import { z } from 'zod'
import { type Answer, answer } from '../domain/job.ts'
import type { Pair } from '../domain/overrides.ts'
import type { ConfigScript } from '../domain/script.ts'
import { readMessage } from './events.ts'
import { keys } from './names.ts'

const entry = z.object({ at: z.number(), answer })
export type Cached = { ageMs: number; answer: Answer }

const keyOf = (prefix: string, script: ConfigScript, deployment: readonly Pair[]) =>
  keys(prefix).cached(
    script,
    deployment.map(([key, value]) => `${key}=${value}`),
  )

/** Null when there is none, or Redis is away. */
export async function readCached(
  redis: Redis,
  prefix: string,
  script: ConfigScript,
  deployment: readonly Pair[],
): Promise<Cached | null> {
  const text = await redis.get(keyOf(prefix, script, deployment)).catch(() => null)
  if (text === null) return null
  const found = readMessage(entry, text)
  return found && { ageMs: Math.max(0, Date.now() - found.at), answer: found.answer }
}

/** Keeps an answer for `keepMs`; a Redis that is away only means asking again. */
export async function writeCached(
  redis: Redis,
  prefix: string,
  script: ConfigScript,
  deployment: readonly Pair[],
  given: Answer,
  keepMs: number,
): Promise<void> {
  const text = JSON.stringify({ at: Date.now(), answer: given })
  await redis
    .set(keyOf(prefix, script, deployment), text, 'PX', Math.max(1, Math.round(keepMs)))
    .catch(() => {})
}

/** Forgets all answers: new scripts may answer differently. */
export async function clearCached(redis: Redis, prefix: string): Promise<void> {
  let cursor = '0'
  do {
    const [next, found] = await redis.scan(cursor, 'MATCH', keys(prefix).cachedAll, 'COUNT', 500)
    if (found.length > 0) await redis.unlink(...found)
    cursor = next
  } while (cursor !== '0')
}
