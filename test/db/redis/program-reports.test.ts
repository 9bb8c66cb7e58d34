/** The reports of servers and runners in Redis: silence by the clock of Redis, and nothing that stays for ever. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Redis } from 'ioredis'
import { readRedisTime, readReports, startReports, writeReport } from '../../../db/redis/program-reports.ts'
import { redisKeys } from '../../../db/redis/redis-keys.ts'
import { forgottenAfterMs, type ProgramReport } from '../../../domain/doctor/program-report.ts'
import { redisPrefix, redisUrl } from '../../helpers/datastores.ts'
import { waitFor } from '../../helpers/wait-for.ts'

let redis: Redis
const prefix = redisPrefix()
const key = redisKeys(prefix).programs

before(() => {
  redis = new Redis(redisUrl())
})
after(async () => {
  await redis.del(key)
  await redis.quit()
})

const report = (name: string): ProgramReport => ({
  kind: 'runner',
  name,
  version: 'v1',
  node: 'v26',
  startedAtMs: 0,
  clockOffsetMs: 0,
  connections: 12,
  policy: { digest: null, problems: 0 },
  settings: {},
})
const names = async () => (await readReports(redis, prefix)).map(({ name }) => name)
const writeOld = async (name: string, ageMs: number) => {
  const atMs = (await readRedisTime(redis)) - ageMs
  await redis.hset(key, name, JSON.stringify({ ...report(name), atMs }))
}

test('Reports are read with their age; old ones are deleted, and those of other versions are left alone', async () => {
  await writeReport(redis, prefix, report('fresh'))
  await writeOld('silent', 100_000)
  await writeOld('old', forgottenAfterMs + 1000)
  await redis.hset(key, 'later-version', '{"kind":"other"}', 'damaged', '{')
  const seen = await readReports(redis, prefix)
  assert.deepEqual(
    seen.map(({ name, silentMs }) => [name, silentMs >= 100_000]),
    [
      ['fresh', false],
      ['silent', true],
    ],
  )
  assert.deepEqual((await redis.hkeys(key)).sort(), ['damaged', 'fresh', 'later-version', 'silent'])
  assert.ok((await redis.pttl(key)) > 0, 'the hash disappears when nobody writes it')
  await redis.del(key)
})

test('A program deletes old reports at its start, and its own one at its end', async () => {
  await writeOld('old', forgottenAfterMs + 1000)
  const reports = startReports(redis, prefix, 'mine', async () => report('mine'))
  await waitFor('it reports', async () => {
    const seen = await redis.hkeys(key)
    return { done: seen.join() === 'mine', value: null, seen }
  })
  await reports.stop()
  assert.deepEqual(await names(), [])
})
