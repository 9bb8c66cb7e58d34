/** Connections to Redis detect a peer that stopped answering, and reconnect. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Redis } from 'ioredis'
import {
  closeRedis,
  createBlockingConnection,
  createCommandConnection,
  createSubscriberConnection,
  waitUntilReady,
} from '../../../db/redis/connections.ts'
import { redisPrefix, redisUrl } from '../../helpers/datastores.ts'
import { startTcpProxy, type TcpProxy } from '../../helpers/tcp-proxy.ts'
import { waitFor } from '../../helpers/wait-for.ts'

const ignoreError = () => {}

async function behindProxy(
  open: (url: string) => Redis,
  work: (redis: Redis, proxy: TcpProxy) => Promise<void>,
): Promise<void> {
  const proxy = await startTcpProxy(redisUrl())
  const redis = open(proxy.url)
  try {
    assert.ok(await waitUntilReady(redis, 5000))
    await work(redis, proxy)
  } finally {
    redis.disconnect()
    await proxy.close()
  }
}

suite('dead connection', { concurrency: true }, () => {
  test('A command connection is replaced when commands get no answer', () =>
    behindProxy(
      (url) => createCommandConnection(url, ignoreError, 1200),
      async (redis, proxy) => {
        proxy.blackhole()
        await assert.rejects(redis.ping())
        await waitFor('it answers again', async () => {
          const answered = await redis.ping().then(
            () => true,
            () => false,
          )
          return { done: answered, value: null, seen: redis.status }
        })
      },
    ))

  test('A subscriber connection is replaced, and messages arrive again', () =>
    behindProxy(
      (url) => createSubscriberConnection(url, ignoreError, 400),
      async (redis, proxy) => {
        const channel = `${redisPrefix()}:c`
        const received: string[] = []
        await redis.subscribe(channel)
        redis.on('message', (_, text) => received.push(text))
        const commands = createCommandConnection(redisUrl(), ignoreError)
        await waitUntilReady(commands, 5000)
        proxy.blackhole()
        await waitFor('a message arrives', async () => {
          await commands.publish(channel, 'x')
          return { done: received.length > 0, value: null, seen: redis.status }
        })
        await closeRedis(commands)
      },
    ))

  test('A blocking connection is replaced, and the worker continues', () =>
    behindProxy(
      (url) => createBlockingConnection(url, ignoreError, 1500),
      async (redis, proxy) => {
        const list = `${redisPrefix()}:list`
        proxy.blackhole()
        const popped = redis.blpop(list, 0)
        const commands = createCommandConnection(redisUrl(), ignoreError)
        await waitUntilReady(commands, 5000)
        await commands.rpush(list, 'work')
        assert.deepEqual(await popped, [list, 'work'])
        await closeRedis(commands)
      },
    ))
})

test('A quiet healthy connection is kept', () =>
  behindProxy(
    (url) => createSubscriberConnection(url, ignoreError, 300),
    async (redis) => {
      let closed = 0
      redis.on('close', () => {
        closed += 1
      })
      await redis.subscribe(`${redisPrefix()}:quiet`)
      for (let answers = 0; answers < 8; answers += 1) {
        await redis.ping()
        await new Promise((resolve) => setTimeout(resolve, 120))
      }
      assert.equal(closed, 0)
    },
  ))
