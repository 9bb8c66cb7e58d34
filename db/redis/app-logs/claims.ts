/**
 * The claim of a run of app_logs, which lets one runner run it at a time. It expires unless the runner renews it. Called by
 * runner/app-logs.
 */
import type { Redis } from 'ioredis'
import type { AppLogClaim, AppLogRefusal, AppLogRequest } from '../../../domain/output/app-log-messages.ts'
import { redisKeys } from '../redis-keys.ts'

/** Entries are kept so long after the last renewal, for readers who have not read the end. */
export const entriesTtlMs = 60_000
const answerTtlMs = 5000

const claimScript = `
if redis.call('exists', KEYS[2]) == 0 then return 0 end
return redis.call('set', KEYS[1], ARGV[1], 'nx', 'px', ARGV[2]) and 1 or 0`

/** False when another runner has claimed the run, or the run has no reader left. */
export async function claimRun(
  redis: Redis,
  prefix: string,
  key: string,
  claim: AppLogClaim,
  ttlMs: number,
): Promise<boolean> {
  const { appLogClaim, appLogReaders } = redisKeys(prefix)
  const claimed = await redis.eval(
    claimScript,
    2,
    appLogClaim(key),
    appLogReaders(key),
    JSON.stringify(claim),
    Math.ceil(ttlMs),
  )
  return claimed === 1
}

const renewScript = `
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 'lost' end
redis.call('pexpire', KEYS[3], ARGV[3])
if redis.call('exists', KEYS[2]) == 0 then
  redis.call('del', KEYS[1])
  return 'unread'
end
redis.call('pexpire', KEYS[1], ARGV[2])
return 'held'`

/** `lost`: the claim has expired. `unread`: the last reader has left, and the claim is released. The next reader starts a new run. */
export async function renewRun(
  redis: Redis,
  prefix: string,
  key: string,
  claim: AppLogClaim,
  ttlMs: number,
): Promise<'held' | 'lost' | 'unread'> {
  const { appLogClaim, appLogReaders, appLogEntries } = redisKeys(prefix)
  const keys = [appLogClaim(key), appLogReaders(key), appLogEntries(claim.runId)]
  return (await redis.eval(
    renewScript,
    keys.length,
    ...keys,
    JSON.stringify(claim),
    Math.ceil(ttlMs),
    entriesTtlMs,
  )) as 'held' | 'lost' | 'unread'
}

const releaseScript = `
if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('del', KEYS[1]) end`

/** Without it the claim expires. */
export async function releaseRun(
  redis: Redis,
  prefix: string,
  key: string,
  claim: AppLogClaim,
): Promise<void> {
  await redis.eval(releaseScript, 1, redisKeys(prefix).appLogClaim(key), JSON.stringify(claim))
}

/** Tells the server that asked. Always resolves. */
export async function answerRequest(
  redis: Redis,
  prefix: string,
  { requestId }: AppLogRequest,
  runner: string,
  answer: AppLogRefusal | AppLogClaim,
): Promise<void> {
  const key = redisKeys(prefix).appLogAnswers(requestId)
  await redis
    .multi()
    .hset(key, runner, typeof answer === 'string' ? answer : JSON.stringify(answer))
    .pexpire(key, answerTtlMs)
    .exec()
    .catch(() => {})
}

/** Says for `ttlMs` that a runner has the script. Always resolves. */
export async function announceAppLogs(redis: Redis, prefix: string, ttlMs: number): Promise<void> {
  await redis.set(redisKeys(prefix).appLogsAvailable, 1, 'PX', ttlMs).catch(() => {})
}
