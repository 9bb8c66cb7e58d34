/** The action queue: notifications arrive once, and fail in time without Redis. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { Redis } from 'ioredis'
import { consumeActions, createActionQueue } from '../../../db/queue/action-queue.ts'
import { closeWorker } from '../../../db/queue/bullmq.ts'
import {
  createScriptQueryClient,
  type ScriptQueryClient,
  ScriptQueryTimeout,
  serveScriptQueries,
} from '../../../db/queue/script-queries.ts'
import {
  closeRedis,
  createBlockingConnection,
  createCommandConnection,
  createSubscriberConnection,
  waitUntilReady,
} from '../../../db/redis/connections.ts'
import { channelNames } from '../../../db/redis/redis-keys.ts'
import type { ScriptAnswer, ScriptQuery } from '../../../domain/queue-messages.ts'
import { freePort } from '../../../lib/node/ports.ts'
import { redisPrefix, redisUrl } from '../../helpers/datastores.ts'
import { startTcpProxy, type TcpProxy } from '../../helpers/tcp-proxy.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { repeat, settleAll } from '../fixtures.ts'

const ignoreError = () => {}
const question = (key: string): ScriptQuery => ({
  type: 'config',
  script: 'application_config',
  deployment: [[key, '']],
})
const echo = async (asked: ScriptQuery): Promise<ScriptAnswer> =>
  asked.type === 'config' ? { status: 'pairs', pairs: asked.deployment } : { status: 'ok' }

let commands: Redis
before(async () => {
  commands = createCommandConnection(redisUrl(), ignoreError)
  await waitUntilReady(commands, 5000)
})
after(() => closeRedis(commands))

suite('action queue', () => {
  test('Each notification reaches one runner, once', async () => {
    const prefix = redisPrefix()
    const heard: number[] = []
    const connections = [
      createBlockingConnection(redisUrl(), ignoreError),
      createBlockingConnection(redisUrl(), ignoreError),
    ]
    const workers = connections.map((redis) =>
      consumeActions(redis, prefix, 4, async (actionId) => {
        heard.push(actionId)
      }),
    )
    const bells = createActionQueue(commands, prefix)
    const rung = await Promise.all(repeat(20, (at) => bells.notify(at)))
    assert.ok(rung.every((one) => one))
    await waitFor('all notifications arrive', async () => ({
      done: heard.length >= 20,
      value: null,
      seen: heard,
    }))
    assert.equal(await bells.notify(3), true, 'a notification for the same action can be repeated')
    await waitFor('the repeated notification arrives', async () => ({
      done: heard.length >= 21,
      value: null,
      seen: heard,
    }))
    assert.deepEqual(
      heard.sort((a, b) => a - b),
      [...repeat(20, (at) => at), 3].sort((a, b) => a - b),
    )
    await Promise.all(workers.map((worker) => closeWorker(worker, Promise.resolve())))
    await bells.close()
    for (const redis of connections) await closeRedis(redis)
    const left = await commands.keys(`${prefix}:*`)
    assert.deepEqual(
      left.filter((key) => /:\d+$/.test(key)),
      [],
      'no job is stored',
    )
  })

  test('Without Redis, or with one that does not answer, notify resolves to false within about a second', async () => {
    const proxy = await startTcpProxy(redisUrl())
    const frozen = createCommandConnection(proxy.url, ignoreError)
    await waitUntilReady(frozen, 5000)
    proxy.freeze()
    const away = createCommandConnection(`redis://127.0.0.1:${await freePort()}`, ignoreError)
    for (const redis of [away, frozen]) {
      const bells = createActionQueue(redis, redisPrefix())
      const start = performance.now()
      const rung = await Promise.all([bells.notify(1), bells.notify(2)])
      assert.ok(performance.now() - start < 1800, `${performance.now() - start} ms`)
      assert.deepEqual(rung, [false, false])
      const closing = performance.now()
      await bells.close()
      assert.ok(performance.now() - closing < 1500, 'closing has a time limit too')
      redis.disconnect()
    }
    await proxy.close()
  })
})

suite('script queries', { concurrency: true }, () => {
  /** Runs `work` with a client, and with a runner when `reply` is given. */
  async function asking(
    reply: ((asked: ScriptQuery) => Promise<ScriptAnswer>) | null,
    work: (questions: ScriptQueryClient, prefix: string) => Promise<void>,
  ): Promise<void> {
    const prefix = redisPrefix()
    const [subscriber, blocking] = [
      createBlockingConnection(redisUrl(), ignoreError),
      createBlockingConnection(redisUrl(), ignoreError),
    ]
    const worker = reply ? serveScriptQueries(blocking, commands, prefix, 4, reply) : null
    worker?.on('error', ignoreError)
    const questions = createScriptQueryClient(commands, subscriber, prefix)
    try {
      await work(questions, prefix)
    } finally {
      if (worker) await closeWorker(worker, Promise.resolve())
      await questions.close()
      await closeRedis(subscriber)
      await closeRedis(blocking)
    }
  }

  test('Concurrent queries each get their own answer', () =>
    asking(echo, async (questions) => {
      const answers = await Promise.all(repeat(30, (at) => questions.query(question(`k${at}`), 5000)))
      assert.deepEqual(
        answers,
        repeat(30, (at) => ({ status: 'pairs', pairs: [[`k${at}`, '']] })),
      )
    }))

  test('Only the client of a query gets its answer', () =>
    asking(echo, async (questions, prefix) => {
      const other = createBlockingConnection(redisUrl(), ignoreError)
      const heard: string[] = []
      other.on('message', (_, message) => heard.push(message))
      const another = createScriptQueryClient(commands, other, prefix)
      await Promise.all([questions.query(question('mine'), 5000), another.query(question('theirs'), 5000)])
      assert.equal(heard.length, 1)
      assert.match(heard[0] ?? '', /theirs/)
      await another.close()
      await closeRedis(other)
    }))

  test('A query without an answer in time rejects with ScriptQueryTimeout', () =>
    asking(null, async (questions) => {
      const start = performance.now()
      await assert.rejects(questions.query(question('k'), 300), ScriptQueryTimeout)
      assert.ok(performance.now() - start < 1500)
    }))

  test('A query whose client has given up is not served', async () => {
    const prefix = redisPrefix()
    const subscriber = createBlockingConnection(redisUrl(), ignoreError)
    const questions = createScriptQueryClient(commands, subscriber, prefix)
    await assert.rejects(questions.query(question('late'), 100), ScriptQueryTimeout)
    const asked: ScriptQuery[] = []
    const blocking = createBlockingConnection(redisUrl(), ignoreError)
    const worker = serveScriptQueries(blocking, commands, prefix, 1, async (one) => {
      asked.push(one)
      return echo(one)
    })
    await questions.query(question('in time'), 5000)
    assert.deepEqual(asked, [question('in time')])
    await closeWorker(worker, Promise.resolve())
    await questions.close()
    for (const redis of [subscriber, blocking]) await closeRedis(redis)
  })

  test('A failed or invalid answer does not affect other queries', () =>
    asking(
      async (asked) => {
        const [[key = ''] = []] = asked.type === 'config' ? asked.deployment : []
        if (key === 'throws') throw new Error('broken')
        return key === 'nonsense' ? ({ status: 'what' } as unknown as ScriptAnswer) : echo(asked)
      },
      async (questions, prefix) => {
        await questions.query(question('first'), 3000)
        const [channel = ''] = await commands
          .call('PUBSUB', 'CHANNELS', `${channelNames(prefix).replies('')}*`)
          .then((names) => names as string[])
        assert.notEqual(channel, '')
        for (const text of ['', '{', 'null', '{"id":"unknown","answer":{}}'])
          await commands.publish(channel, text)
        const { won, lost } = await settleAll([
          questions.query(question('throws'), 500),
          questions.query(question('nonsense'), 500),
          questions.query(question('fine'), 3000),
        ])
        assert.equal(lost.length, 2)
        assert.deepEqual(won, [{ status: 'pairs', pairs: [['fine', '']] }])
      },
    ))

  test('A pending query fails soon, not as a timeout, when Redis closes, stops answering or loses its data', async () => {
    const lost = async (happen: (proxy: TcpProxy, prefix: string) => Promise<void> | void) => {
      const proxy = await startTcpProxy(redisUrl())
      const [redis, subscriber] = [
        createCommandConnection(proxy.url, ignoreError),
        createSubscriberConnection(proxy.url, ignoreError),
      ]
      await waitUntilReady(redis, 5000)
      const prefix = redisPrefix()
      const blocking = createBlockingConnection(redisUrl(), ignoreError)
      const heard = Promise.withResolvers<void>()
      const over = Promise.withResolvers<ScriptAnswer>()
      const worker = serveScriptQueries(blocking, commands, prefix, 1, async () => {
        heard.resolve()
        return over.promise
      })
      worker.on('error', ignoreError)
      const questions = createScriptQueryClient(redis, subscriber, prefix)
      const asked = questions.query(question('k'), 8000)
      const outcome = asked.then(
        () => null,
        (error: Error) => error,
      )
      await heard.promise
      await happen(proxy, prefix)
      const start = performance.now()
      const error = await outcome
      const tookMs = performance.now() - start
      over.resolve({ status: 'ok' })
      await closeWorker(worker, Promise.resolve())
      await questions.close()
      for (const one of [redis, subscriber, blocking]) one.disconnect()
      await proxy.close()
      assert.ok(error !== null && !(error instanceof ScriptQueryTimeout), String(error))
      assert.ok(tookMs < 4000, `${tookMs} ms`)
    }
    await Promise.all([
      lost((proxy) => proxy.close()),
      lost((proxy) => proxy.freeze()),
      lost(async (_, prefix) => {
        await commands.del(await commands.keys(`${prefix}:*`))
      }),
    ])
  })

  test('A query fails within about a second when Redis is unreachable or does not answer', async () => {
    const proxy = await startTcpProxy(redisUrl())
    const [frozen, frozenToo] = [
      createCommandConnection(proxy.url, ignoreError),
      createBlockingConnection(proxy.url, ignoreError),
    ]
    await waitUntilReady(frozen, 5000)
    await waitUntilReady(frozenToo, 5000)
    proxy.freeze()
    const none = `redis://127.0.0.1:${await freePort()}`
    for (const [redis, subscriber] of [
      [frozen, frozenToo],
      [createCommandConnection(none, ignoreError), createBlockingConnection(none, ignoreError)],
    ] as const) {
      const questions = createScriptQueryClient(redis, subscriber, redisPrefix())
      const start = performance.now()
      await assert.rejects(questions.query(question('k'), 5000))
      assert.ok(performance.now() - start < 2300, `${performance.now() - start} ms`)
      await questions.close()
      redis.disconnect()
      subscriber.disconnect()
    }
    await proxy.close()
  })
})
