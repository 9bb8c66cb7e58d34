/**
 * How a server gets a run of app_logs: it asks every runner, and the first one with a free place claims the run. All readers
 * with the same key share it. Called by functions/app-logs; the runner's side is claims.ts.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import {
  type AppLogClaim,
  type AppLogRefusal,
  type AppLogRequest,
  appLogClaim,
} from '../../../domain/output/app-log-messages.ts'
import { parseMessage } from '../events.ts'
import { channelNames, redisKeys } from '../redis-keys.ts'

/** A run ends so long after its last reader has left. */
export const readerTtlMs = 10_000

export type AppLogTarget = Omit<AppLogRequest, 'requestId' | 'key'>

/** Readers of one deployment with one config share a run, unless they want other lines. */
export const appLogKey = ({
  deploymentId,
  configRevision,
  tail,
  follow,
}: Omit<AppLogTarget, 'caller'>): string => `${deploymentId}.${configRevision}.${tail}.${follow}`

/** Keeps the run of a key for {@link readerTtlMs}. */
export async function registerReader(redis: Redis, prefix: string, key: string): Promise<void> {
  await redis.set(redisKeys(prefix).appLogReaders(key), 1, 'PX', readerTtlMs)
}

/** `isNew`: it was claimed for this request, so this reader gets all lines. */
export type FoundRun = { claim: AppLogClaim; isNew: boolean }
/** `silent`: a runner has the request and does not answer. `no_runner`: none is connected. */
export type RunRefusal = AppLogRefusal | 'silent' | 'no_runner'

const pollMs = 50
/** A request may be lost while a runner connects. */
const repeatMs = 500

/** Returns why there is no run within `timeoutMs`. Rejects when Redis is unreachable. */
export async function requestRun(
  redis: Redis,
  prefix: string,
  target: AppLogTarget,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<FoundRun | RunRefusal> {
  const keys = redisKeys(prefix)
  const request: AppLogRequest = { ...target, requestId: randomUUID(), key: appLogKey(target) }
  await registerReader(redis, prefix, request.key)
  const endMs = performance.now() + timeoutMs
  let receivers = 0
  let sentAtMs = Number.NEGATIVE_INFINITY
  for (;;) {
    const claim = await readClaim(redis, prefix, request.key)
    if (claim !== null) return { claim, isNew: sentAtMs > 0 }
    const answers = sentAtMs > 0 ? await redis.hvals(keys.appLogAnswers(request.requestId)) : []
    // A short run may have ended between two looks; its entries are there.
    const answered = answers.map((answer) => parseMessage(appLogClaim, answer)).find((one) => one !== null)
    if (answered !== undefined) return { claim: answered, isNew: true }

    if (answers.length > 0 && answers.length >= receivers) return worstRefusal(answers)
    if (performance.now() >= endMs || signal?.aborted) {
      if (answers.includes('busy')) return 'busy'
      return receivers === 0 ? 'no_runner' : 'silent'
    }
    if (performance.now() - sentAtMs >= repeatMs) {
      receivers = await redis.publish(channelNames(prefix).appLogRequests, JSON.stringify(request))
      sentAtMs = performance.now()
    }
    await sleep(pollMs)
  }
}

const worstRefusal = (refusals: readonly string[]): AppLogRefusal =>
  refusals.includes('busy') ? 'busy' : 'no_script'

/** Null: no runner runs it, or not any more. */
export async function readClaim(redis: Redis, prefix: string, key: string): Promise<AppLogClaim | null> {
  const text = await redis.get(redisKeys(prefix).appLogClaim(key))
  return text === null ? null : parseMessage(appLogClaim, text)
}

/** Whether a runner has the script. Rejects when Redis is unreachable. */
export const hasAppLogs = async (redis: Redis, prefix: string): Promise<boolean> =>
  (await redis.exists(redisKeys(prefix).appLogsAvailable)) === 1
