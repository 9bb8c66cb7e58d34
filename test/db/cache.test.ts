/** Answers of config scripts, kept in Redis. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { Redis } from 'ioredis'
import { clearCached, readCached, writeCached } from '../../db/cache.ts'
import { keys } from '../../db/names.ts'
import { closeRedis, openCommands, whenReady } from '../../db/redis.ts'
import type { Answer } from '../../domain/job.ts'
import { freePort } from '../helpers/free-port.ts'
import { redisPrefix, redisUrl } from '../helpers/stores.ts'
import { times } from './ground.ts'

const answer: Answer = { is: 'pairs', pairs: [['image.tag', 'v1']] }
let redis: Redis
before(async () => {
  redis = openCommands(redisUrl(), () => {})
  await whenReady(redis, 5000)
})
after(() => closeRedis(redis))

suite('cached answers', () => {
  test('come back with their age, for the same script and config only', async () => {
    const prefix = redisPrefix()
    await writeCached(redis, prefix, 'application_config', [['k', 'v']], answer, 60_000)
    const cached = await readCached(redis, prefix, 'application_config', [['k', 'v']])
    assert.deepEqual(cached?.answer, answer)
    assert.ok(cached.ageMs >= 0 && cached.ageMs < 5000)
    assert.equal(await readCached(redis, prefix, 'application_config', []), null)
    assert.equal(await readCached(redis, prefix, 'application_config', [['k', 'w']]), null)
    assert.equal(await readCached(redis, prefix, 'application_config_keys', [['k', 'v']]), null)
    assert.equal(await readCached(redis, `${prefix}x`, 'application_config', [['k', 'v']]), null)
  })

  test('go by themselves after their time', async () => {
    const prefix = redisPrefix()
    await writeCached(redis, prefix, 'deployment_config', [], answer, 60_000)
    const ttlMs = await redis.pttl(keys(prefix).cached('deployment_config', []))
    assert.ok(ttlMs > 50_000 && ttlMs <= 60_000)
  })

  test('that cannot be read any more are as if there were none', async () => {
    const prefix = redisPrefix()
    for (const text of ['', '{', 'null', '{"at":1,"answer":{"is":"other"}}']) {
      await redis.set(keys(prefix).cached('deployment_config', []), text)
      assert.equal(await readCached(redis, prefix, 'deployment_config', []), null, text)
    }
  })

  test('can all be forgotten, those of other installations stay', async () => {
    const [prefix, other] = [redisPrefix(), redisPrefix()]
    const many = times(1200, (at): [string, string][] => [['k', String(at)]])
    await Promise.all(
      many.map((pairs) => writeCached(redis, prefix, 'application_config', pairs, answer, 60_000)),
    )
    await writeCached(redis, other, 'deployment_config', [], answer, 60_000)
    await clearCached(redis, prefix)
    assert.deepEqual(await redis.keys(`${prefix}:*`), [])
    assert.ok(await readCached(redis, other, 'deployment_config', []))
  })

  test('of a Redis that is away are none, and writing them is no error', async () => {
    const away = openCommands(`redis://127.0.0.1:${await freePort()}`, () => {})
    assert.equal(await readCached(away, 'x', 'deployment_config', []), null)
    await writeCached(away, 'x', 'deployment_config', [], answer, 1000)
    away.disconnect()
  })
})
