/** The action queue: notifications arrive once, and fail in time without Redis. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { Redis } from 'ioredis'
import { consumeActions, createActionQueue } from '../../../db/queue/action-queue.ts'
import { closeWorker } from '../../../db/queue/bullmq.ts'
import {
  closeRedis,
  createBlockingConnection,
  createCommandConnection,
  waitUntilReady,
} from '../../../db/redis/connections.ts'
import { freePort } from '../../../lib/node/ports.ts'
import { redisPrefix, redisUrl } from '../../helpers/datastores.ts'
import { startTcpProxy } from '../../helpers/tcp-proxy.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { repeat } from '../fixtures.ts'

const ignoreError = () => {}

let commands: Redis
before(async () => {
  commands = createCommandConnection(redisUrl(), ignoreError)
  await waitUntilReady(commands, 5000)
})
after(() => closeRedis(commands))

suite('action queue', () => {
  test('Each notification reaches one runner, once', async () => {
    const prefix = redisPrefix()
    const received: number[] = []
    const connections = [
      createBlockingConnection(redisUrl(), ignoreError),
      createBlockingConnection(redisUrl(), ignoreError),
    ]
    const workers = connections.map((redis) =>
      consumeActions(redis, prefix, 4, async (actionId) => {
        received.push(actionId)
      }),
    )
    const queue = createActionQueue(commands, prefix)
    const notified = await Promise.all(repeat(20, (index) => queue.notify(index)))
    assert.ok(notified.every((one) => one))
    await waitFor('all notifications arrive', async () => ({
      done: received.length >= 20,
      value: null,
      seen: received,
    }))
    assert.equal(await queue.notify(3), true, 'a notification for the same action can be repeated')
    await waitFor('the repeated notification arrives', async () => ({
      done: received.length >= 21,
      value: null,
      seen: received,
    }))
    assert.deepEqual(
      received.sort((a, b) => a - b),
      [...repeat(20, (index) => index), 3].sort((a, b) => a - b),
    )
    await Promise.all(workers.map((worker) => closeWorker(worker, Promise.resolve())))
    await queue.close()
    for (const redis of connections) await closeRedis(redis)
    const keys = await commands.keys(`${prefix}:*`)
    assert.deepEqual(
      keys.filter((key) => /:\d+$/.test(key)),
      [],
      'no job is stored',
    )
  })

  test('Without Redis, or with one that does not answer, notify resolves to false within about a second', async () => {
    const proxy = await startTcpProxy(redisUrl())
    const frozen = createCommandConnection(proxy.url, ignoreError)
    await waitUntilReady(frozen, 5000)
    proxy.freeze()
    const unreachable = createCommandConnection(`redis://127.0.0.1:${await freePort()}`, ignoreError)
    for (const redis of [unreachable, frozen]) {
      const queue = createActionQueue(redis, redisPrefix())
      const start = performance.now()
      const notified = await Promise.all([queue.notify(1), queue.notify(2)])
      assert.ok(performance.now() - start < 1800, `${performance.now() - start} ms`)
      assert.deepEqual(notified, [false, false])
      const closeStart = performance.now()
      await queue.close()
      assert.ok(performance.now() - closeStart < 1500, 'closing has a time limit too')
      redis.disconnect()
    }
    await proxy.close()
  })
})
