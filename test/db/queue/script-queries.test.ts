/** Script queries: answers, time limits, and an unreachable Redis. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { Redis } from 'ioredis'
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
import { repeat, settleAll } from '../fixtures.ts'

const ignoreError = () => {}
const configQuery = (key: string): ScriptQuery => ({
  type: 'config',
  script: 'application_config',
  deployment: [[key, '']],
})
const echo = async (query: ScriptQuery): Promise<ScriptAnswer> =>
  query.type === 'config' ? { status: 'pairs', pairs: query.deployment } : { status: 'ok' }

let commands: Redis
before(async () => {
  commands = createCommandConnection(redisUrl(), ignoreError)
  await waitUntilReady(commands, 5000)
})
after(() => closeRedis(commands))

suite('script queries', { concurrency: true }, () => {
  /** Runs `work` with a client, and with a runner when `reply` is given. */
  async function withClient(
    reply: ((query: ScriptQuery) => Promise<ScriptAnswer>) | null,
    work: (client: ScriptQueryClient, prefix: string) => Promise<void>,
  ): Promise<void> {
    const prefix = redisPrefix()
    const [subscriber, blocking] = [
      createBlockingConnection(redisUrl(), ignoreError),
      createBlockingConnection(redisUrl(), ignoreError),
    ]
    const worker = reply ? serveScriptQueries(blocking, commands, prefix, 4, reply) : null
    worker?.on('error', ignoreError)
    const client = createScriptQueryClient(commands, subscriber, prefix)
    try {
      await work(client, prefix)
    } finally {
      if (worker) await closeWorker(worker, Promise.resolve())
      await client.close()
      await closeRedis(subscriber)
      await closeRedis(blocking)
    }
  }

  test('Concurrent queries each get their own answer', () =>
    withClient(echo, async (client) => {
      const answers = await Promise.all(repeat(30, (at) => client.query(configQuery(`k${at}`), 5000)))
      assert.deepEqual(
        answers,
        repeat(30, (at) => ({ status: 'pairs', pairs: [[`k${at}`, '']] })),
      )
    }))

  test('Only the client of a query gets its answer', () =>
    withClient(echo, async (client, prefix) => {
      const other = createBlockingConnection(redisUrl(), ignoreError)
      const received: string[] = []
      other.on('message', (_, message) => received.push(message))
      const otherClient = createScriptQueryClient(commands, other, prefix)
      await Promise.all([
        client.query(configQuery('mine'), 5000),
        otherClient.query(configQuery('theirs'), 5000),
      ])
      assert.equal(received.length, 1)
      assert.match(received[0] ?? '', /theirs/)
      await otherClient.close()
      await closeRedis(other)
    }))

  test('A query without an answer in time rejects with ScriptQueryTimeout', () =>
    withClient(null, async (client) => {
      const start = performance.now()
      await assert.rejects(client.query(configQuery('k'), 300), ScriptQueryTimeout)
      assert.ok(performance.now() - start < 1500)
    }))

  test('A query whose client has given up is not served', async () => {
    const prefix = redisPrefix()
    const subscriber = createBlockingConnection(redisUrl(), ignoreError)
    const client = createScriptQueryClient(commands, subscriber, prefix)
    await assert.rejects(client.query(configQuery('late'), 100), ScriptQueryTimeout)
    const served: ScriptQuery[] = []
    const blocking = createBlockingConnection(redisUrl(), ignoreError)
    const worker = serveScriptQueries(blocking, commands, prefix, 1, async (query) => {
      served.push(query)
      return echo(query)
    })
    await client.query(configQuery('in time'), 5000)
    assert.deepEqual(served, [configQuery('in time')])
    await closeWorker(worker, Promise.resolve())
    await client.close()
    for (const redis of [subscriber, blocking]) await closeRedis(redis)
  })

  test('A failed or invalid answer does not affect other queries', () =>
    withClient(
      async (query) => {
        const [[key = ''] = []] = query.type === 'config' ? query.deployment : []
        if (key === 'throws') throw new Error('broken')
        return key === 'nonsense' ? ({ status: 'what' } as unknown as ScriptAnswer) : echo(query)
      },
      async (client, prefix) => {
        await client.query(configQuery('first'), 3000)
        const [channel = ''] = await commands
          .call('PUBSUB', 'CHANNELS', `${channelNames(prefix).replies('')}*`)
          .then((names) => names as string[])
        assert.notEqual(channel, '')
        for (const text of ['', '{', 'null', '{"id":"unknown","answer":{}}'])
          await commands.publish(channel, text)
        const { won, lost } = await settleAll([
          client.query(configQuery('throws'), 500),
          client.query(configQuery('nonsense'), 500),
          client.query(configQuery('fine'), 3000),
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
      const received = Promise.withResolvers<void>()
      const answered = Promise.withResolvers<ScriptAnswer>()
      const worker = serveScriptQueries(blocking, commands, prefix, 1, async () => {
        received.resolve()
        return answered.promise
      })
      worker.on('error', ignoreError)
      const client = createScriptQueryClient(redis, subscriber, prefix)
      const query = client.query(configQuery('k'), 8000)
      const outcome = query.then(
        () => null,
        (error: Error) => error,
      )
      await received.promise
      await happen(proxy, prefix)
      const start = performance.now()
      const error = await outcome
      const tookMs = performance.now() - start
      answered.resolve({ status: 'ok' })
      await closeWorker(worker, Promise.resolve())
      await client.close()
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
    const [frozen, frozenSubscriber] = [
      createCommandConnection(proxy.url, ignoreError),
      createBlockingConnection(proxy.url, ignoreError),
    ]
    await waitUntilReady(frozen, 5000)
    await waitUntilReady(frozenSubscriber, 5000)
    proxy.freeze()
    const unreachableUrl = `redis://127.0.0.1:${await freePort()}`
    for (const [redis, subscriber] of [
      [frozen, frozenSubscriber],
      [
        createCommandConnection(unreachableUrl, ignoreError),
        createBlockingConnection(unreachableUrl, ignoreError),
      ],
    ] as const) {
      const client = createScriptQueryClient(redis, subscriber, redisPrefix())
      const start = performance.now()
      await assert.rejects(client.query(configQuery('k'), 5000))
      assert.ok(performance.now() - start < 2300, `${performance.now() - start} ms`)
      await client.close()
      redis.disconnect()
      subscriber.disconnect()
    }
    await proxy.close()
  })
})
