/** The cache of config script answers in Redis. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { Redis } from 'ioredis'
import { closeRedis, createCommandConnection, waitUntilReady } from '../../../db/redis/connections.ts'
import { redisKeys } from '../../../db/redis/redis-keys.ts'
import { clearScriptCache, readScriptCache, writeScriptCache } from '../../../db/redis/script-cache.ts'
import type { ScriptAnswer } from '../../../domain/queue-messages.ts'
import { freePort } from '../../../lib/node/ports.ts'
import { redisPrefix, redisUrl } from '../../helpers/datastores.ts'
import { repeat } from '../fixtures.ts'

const answer: ScriptAnswer = { status: 'pairs', pairs: [['image.tag', 'v1']] }
let redis: Redis
before(async () => {
  redis = createCommandConnection(redisUrl(), () => {})
  await waitUntilReady(redis, 5000)
})
after(() => closeRedis(redis))

suite('script cache', () => {
  test('An answer is returned with its age, for the same script and config only', async () => {
    const prefix = redisPrefix()
    await writeScriptCache(redis, prefix, 'application_config', [['k', 'v']], answer, 60_000)
    const cached = await readScriptCache(redis, prefix, 'application_config', [['k', 'v']])
    assert.deepEqual(cached?.answer, answer)
    assert.ok(cached.ageMs >= 0 && cached.ageMs < 5000)
    assert.equal(await readScriptCache(redis, prefix, 'application_config', []), null)
    assert.equal(await readScriptCache(redis, prefix, 'application_config', [['k', 'w']]), null)
    assert.equal(await readScriptCache(redis, prefix, 'application_config_keys', [['k', 'v']]), null)
    assert.equal(await readScriptCache(redis, `${prefix}x`, 'application_config', [['k', 'v']]), null)
  })

  test('An answer expires', async () => {
    const prefix = redisPrefix()
    await writeScriptCache(redis, prefix, 'deployment_config', [], answer, 60_000)
    const ttlMs = await redis.pttl(redisKeys(prefix).scriptCache('deployment_config', []))
    assert.ok(ttlMs > 50_000 && ttlMs <= 60_000)
  })

  test('An unreadable entry counts as none', async () => {
    const prefix = redisPrefix()
    for (const text of ['', '{', 'null', '{"at":1,"answer":{"status":"other"}}']) {
      await redis.set(redisKeys(prefix).scriptCache('deployment_config', []), text)
      assert.equal(await readScriptCache(redis, prefix, 'deployment_config', []), null, text)
    }
  })

  test('All answers together are bounded: those used least recently are deleted', async () => {
    const prefix = redisPrefix()
    const large = (at: number): ScriptAnswer => ({ status: 'keys', keys: [`${at}`.padEnd(1024 * 1024, 'x')] })
    const pairsOf = (at: number): [string, string][] => [['k', String(at)]]
    const read = (at: number) => readScriptCache(redis, prefix, 'application_config_keys', pairsOf(at))
    const write = (at: number) =>
      writeScriptCache(redis, prefix, 'application_config_keys', pairsOf(at), large(at), 60_000)
    await write(0)
    await write(1)
    for (let at = 2; at < 60; at += 1) {
      await write(at)
      assert.ok(await read(0), 'an answer in use stays')
    }
    assert.equal(await read(1), null)
    assert.ok(await read(59))
    const stored = await redis.keys(`${prefix}:config:application_config_keys:*`)
    assert.ok(stored.length > 20 && stored.length <= 32, `${stored.length} stored`)
    await write(59)
    const sizes = await redis.hgetall(redisKeys(prefix).scriptCacheSizes)
    const { total, ...each } = sizes
    const sum = Object.values(each).reduce((all, size) => all + Number(size), 0)
    assert.equal(Number(total), sum)
    assert.equal(Object.keys(each).length, stored.length)
    await clearScriptCache(redis, prefix)
  })

  test('All answers of one prefix can be deleted', async () => {
    const [prefix, other] = [redisPrefix(), redisPrefix()]
    const many = repeat(1200, (at): [string, string][] => [['k', String(at)]])
    await Promise.all(
      many.map((pairs) => writeScriptCache(redis, prefix, 'application_config', pairs, answer, 60_000)),
    )
    await writeScriptCache(redis, other, 'deployment_config', [], answer, 60_000)
    await clearScriptCache(redis, prefix)
    assert.deepEqual(await redis.keys(`${prefix}:*`), [])
    assert.ok(await readScriptCache(redis, other, 'deployment_config', []))
  })

  test('Without Redis a read returns null and a write is no error', async () => {
    const unreachable = createCommandConnection(`redis://127.0.0.1:${await freePort()}`, () => {})
    assert.equal(await readScriptCache(unreachable, 'x', 'deployment_config', []), null)
    await writeScriptCache(unreachable, 'x', 'deployment_config', [], answer, 1000)
    unreachable.disconnect()
  })
})
