/** Hints over Redis: they arrive, they may be lost, and whatever arrives never breaks who listens. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { Redis } from 'ioredis'
import { type Hints, publishCancel, publishChange, publishOutput, subscribe } from '../../db/events.ts'
import { channels } from '../../db/names.ts'
import { closeRedis, openBlocking, openCommands, whenReady } from '../../db/redis.ts'
import type { ChangeEvent } from '../../domain/event.ts'
import { eventually } from '../helpers/eventually.ts'
import { freePort } from '../helpers/free-port.ts'
import { openProxy } from '../helpers/proxy.ts'
import { redisPrefix, redisUrl } from '../helpers/stores.ts'

const deleted = (revision: number): ChangeEvent => ({ type: 'deleted', name: 'feature-1', revision })
const silent = () => {}

let commands: Redis
before(async () => {
  commands = openCommands(redisUrl(), silent)
  await whenReady(commands, 5000)
})
after(() => closeRedis(commands))

/** A listener of its own, on a prefix of its own. */
async function listening<T>(
  work: (heard: unknown[], prefix: string) => Promise<T>,
  only?: (heard: unknown[]) => Hints,
  url = redisUrl(),
): Promise<T> {
  const [prefix, heard] = [redisPrefix(), [] as unknown[]]
  const subscriber = openBlocking(url, silent)
  const everything: Hints = {
    change: (event, text) => heard.push({ event, text }),
    output: (grew) => heard.push(grew),
    cancel: (actionId) => heard.push(actionId),
  }
  await subscribe(subscriber, prefix, only?.(heard) ?? everything)
  try {
    return await work(heard, prefix)
  } finally {
    await closeRedis(subscriber)
  }
}
const until = (heard: unknown[], count: number) =>
  eventually(`${count} heard`, async () => ({ done: heard.length >= count, value: heard, seen: heard }))

suite('hints', () => {
  test('arrive as they were sent, in order', () =>
    listening(async (heard, prefix) => {
      await publishChange(commands, prefix, deleted(1))
      await publishOutput(commands, prefix, { actionId: 7, seq: 3 })
      await publishCancel(commands, prefix, 8)
      assert.deepEqual(await until(heard, 3), [
        { event: deleted(1), text: JSON.stringify(deleted(1)) },
        { actionId: 7, seq: 3 },
        8,
      ])
    }))

  test('go only to those who want them, and stay within their prefix', () =>
    listening(
      async (heard, prefix) => {
        await publishChange(commands, prefix, deleted(1))
        await publishCancel(commands, `${prefix}x`, 8)
        await publishCancel(commands, prefix, 9)
        assert.deepEqual(await until(heard, 1), [9])
      },
      (heard) => ({ cancel: (actionId) => heard.push(actionId) }),
    ))

  test('of another version, or nonsense, are passed over; the next one is heard', () =>
    listening(async (heard, prefix) => {
      const names = channels(prefix)
      for (const name of [names.changes, names.output, names.cancel])
        for (const text of ['', 'null', '{', '7', '{"type":"renamed"}', '{"type":"deleted","name":7}'])
          await commands.publish(name, text)
      await publishChange(commands, prefix, deleted(2))
      await publishOutput(commands, prefix, { actionId: 7, seq: 3 })
      await publishCancel(commands, prefix, 8)
      assert.deepEqual(await until(heard, 3), [
        { event: deleted(2), text: JSON.stringify(deleted(2)) },
        { actionId: 7, seq: 3 },
        8,
      ])
    }))

  test('are heard again after the connection broke', async () => {
    const proxy = await openProxy(redisUrl())
    await listening(
      async (heard, prefix) => {
        proxy.cut()
        await eventually('heard again', async () => {
          await publishCancel(commands, prefix, 5)
          return { done: heard.length > 0, value: null }
        })
      },
      undefined,
      proxy.url,
    )
    await proxy.close()
  })

  test('to a Redis that is not there, or a black hole, are lost within its second', async () => {
    const proxy = await openProxy(redisUrl())
    const held = openCommands(proxy.url, silent)
    await whenReady(held, 5000)
    proxy.freeze()
    const away = openCommands(`redis://127.0.0.1:${await freePort()}`, silent)
    for (const redis of [held, away]) {
      const start = performance.now()
      await publishChange(redis, 'x', deleted(1))
      assert.ok(performance.now() - start < 1500)
      redis.disconnect()
    }
    assert.equal(await whenReady(away, 50), false)
    await proxy.close()
  })
})
