/** Events over Redis: delivery, loss, and unreadable messages. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { Redis } from 'ioredis'
import {
  closeRedis,
  createBlockingConnection,
  createCommandConnection,
  waitUntilReady,
} from '../../../db/redis/connections.ts'
import {
  type EventHandlers,
  publishCancel,
  publishChange,
  publishOutput,
  subscribe,
} from '../../../db/redis/events.ts'
import { channelNames } from '../../../db/redis/redis-keys.ts'
import type { ChangeEvent } from '../../../domain/event.ts'
import { freePort } from '../../../lib/node/ports.ts'
import { redisPrefix, redisUrl } from '../../helpers/datastores.ts'
import { startTcpProxy } from '../../helpers/tcp-proxy.ts'
import { waitFor } from '../../helpers/wait-for.ts'

const deleted = (revision: number): ChangeEvent => ({ type: 'deleted', name: 'feature-1', revision })
const ignoreError = () => {}

let commands: Redis
before(async () => {
  commands = createCommandConnection(redisUrl(), ignoreError)
  await waitUntilReady(commands, 5000)
})
after(() => closeRedis(commands))

/** Runs `work` with a subscriber on its own prefix. */
async function withSubscriber<T>(
  work: (received: unknown[], prefix: string) => Promise<T>,
  handlersOf?: (received: unknown[]) => EventHandlers,
  url = redisUrl(),
): Promise<T> {
  const [prefix, received] = [redisPrefix(), [] as unknown[]]
  const subscriber = createBlockingConnection(url, ignoreError)
  const allHandlers: EventHandlers = {
    onChange: (event, text) => received.push({ event, text }),
    onOutput: (appended) => received.push(appended),
    onCancel: (actionId) => received.push(actionId),
  }
  await subscribe(subscriber, prefix, handlersOf?.(received) ?? allHandlers)
  try {
    return await work(received, prefix)
  } finally {
    await closeRedis(subscriber)
  }
}
const waitForCount = (received: unknown[], count: number) =>
  waitFor(`${count} events`, async () => ({
    done: received.length >= count,
    value: received,
    seen: received,
  }))

suite('events', () => {
  test('Events arrive as published, in order', () =>
    withSubscriber(async (received, prefix) => {
      await publishChange(commands, prefix, deleted(1))
      await publishOutput(commands, prefix, { actionId: 7, seq: 3 })
      await publishCancel(commands, prefix, 8)
      assert.deepEqual(await waitForCount(received, 3), [
        { event: deleted(1), text: JSON.stringify(deleted(1)) },
        { actionId: 7, seq: 3 },
        8,
      ])
    }))

  test('A subscriber gets only the events that it handles, of its own prefix', () =>
    withSubscriber(
      async (received, prefix) => {
        await publishChange(commands, prefix, deleted(1))
        await publishCancel(commands, `${prefix}x`, 8)
        await publishCancel(commands, prefix, 9)
        assert.deepEqual(await waitForCount(received, 1), [9])
      },
      (received) => ({ onCancel: (actionId) => received.push(actionId) }),
    ))

  test('Unreadable messages are ignored, and the next event arrives', () =>
    withSubscriber(async (received, prefix) => {
      const names = channelNames(prefix)
      for (const name of [names.changes, names.output, names.cancel])
        for (const text of ['', 'null', '{', '7', '{"type":"renamed"}', '{"type":"deleted","name":7}'])
          await commands.publish(name, text)
      await publishChange(commands, prefix, deleted(2))
      await publishOutput(commands, prefix, { actionId: 7, seq: 3 })
      await publishCancel(commands, prefix, 8)
      assert.deepEqual(await waitForCount(received, 3), [
        { event: deleted(2), text: JSON.stringify(deleted(2)) },
        { actionId: 7, seq: 3 },
        8,
      ])
    }))

  test('Events arrive again after the connection broke', async () => {
    const proxy = await startTcpProxy(redisUrl())
    await withSubscriber(
      async (received, prefix) => {
        proxy.resetConnections()
        await waitFor('events arrive again', async () => {
          await publishCancel(commands, prefix, 5)
          return { done: received.length > 0, value: null }
        })
      },
      undefined,
      proxy.url,
    )
    await proxy.close()
  })

  test('An event is lost within a second when Redis is unreachable or does not answer', async () => {
    const proxy = await startTcpProxy(redisUrl())
    const unresponsive = createCommandConnection(proxy.url, ignoreError)
    await waitUntilReady(unresponsive, 5000)
    proxy.freeze()
    const unreachable = createCommandConnection(`redis://127.0.0.1:${await freePort()}`, ignoreError)
    for (const redis of [unresponsive, unreachable]) {
      const start = performance.now()
      await publishChange(redis, 'x', deleted(1))
      assert.ok(performance.now() - start < 1500)
      redis.disconnect()
    }
    assert.equal(await waitUntilReady(unreachable, 50), false)
    await proxy.close()
  })
})
