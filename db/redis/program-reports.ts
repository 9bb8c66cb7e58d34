/**
 * The reports of servers and runners about themselves, for the doctor: one field of a hash each. Written by both programs, read
 * by functions/doctor. Without Redis nothing is reported.
 */
import type { Redis } from 'ioredis'
import {
  forgottenAfterMs,
  type ProgramReport,
  programReport,
  reportIntervalMs,
  type SeenProgram,
} from '../../domain/doctor/program-report.ts'
import { type PeriodicTask, startPeriodic } from '../../lib/periodic.ts'
import { withTimeout } from '../../lib/with-timeout.ts'
import { redisKeys } from './redis-keys.ts'

/** The hash expires this long after the last report. */
const hashTtlMs = 4 * forgottenAfterMs

/** Reports every 15 seconds. An orderly stop removes the report. `describe` must not take longer than its time limits. */
export function startReports(
  redis: Redis,
  prefix: string,
  name: string,
  describe: () => Promise<ProgramReport>,
): PeriodicTask {
  // A program that is killed again and again must not fill the hash.
  let isTidy = false
  const task = startPeriodic(ignore, 'report', reportIntervalMs, async () => {
    if (redis.status !== 'ready') return
    if (!isTidy) await readReports(redis, prefix)
    isTidy = true
    await writeReport(redis, prefix, await describe())
  })
  redis.on('ready', task.runNow)
  return {
    runNow: task.runNow,
    stop: async () => {
      redis.off('ready', task.runNow)
      // A round that waits for PostgreSQL holds no shutdown up.
      await withTimeout(task.stop(), 500, () => {})
      await redis.hdel(redisKeys(prefix).programs, name).catch(() => {})
    },
  }
}

/** The connection logs that Redis is away. */
const ignore = () => {}

/** Stores the time of Redis, so that a program with a wrong clock does not count as silent. */
export async function writeReport(redis: Redis, prefix: string, report: ProgramReport): Promise<void> {
  const key = redisKeys(prefix).programs
  const atMs = await readRedisTime(redis)
  await redis
    .pipeline()
    .hset(key, report.name, JSON.stringify({ ...report, atMs }))
    .pexpire(key, hashTtlMs)
    .exec()
}

/** Deletes the reports that are older than 15 minutes. Ignores those of versions that it cannot read. */
export async function readReports(redis: Redis, prefix: string): Promise<SeenProgram[]> {
  const key = redisKeys(prefix).programs
  const [nowMs, fields] = await Promise.all([readRedisTime(redis), redis.hgetall(key)])
  const seen: SeenProgram[] = []
  const old: string[] = []
  for (const [name, text] of Object.entries(fields)) {
    const report = parseReport(text)
    const silentMs = report === null ? 0 : Math.max(0, nowMs - report.atMs)
    if (silentMs > forgottenAfterMs) old.push(name)
    else if (report !== null) seen.push({ ...report, silentMs })
  }
  if (old.length > 0) await redis.hdel(key, ...old)
  return seen.sort((one, other) => (one.name < other.name ? -1 : 1))
}

const storedReport = programReport.extend({ atMs: programReport.shape.startedAtMs })

function parseReport(text: string) {
  try {
    return storedReport.safeParse(JSON.parse(text)).data ?? null
  } catch {
    return null
  }
}

/** In milliseconds. */
export async function readRedisTime(redis: Redis): Promise<number> {
  const [seconds = 0, microseconds = 0] = (await redis.time()).map(Number)
  return seconds * 1000 + microseconds / 1000
}
