/** Script queries: answers, time limits, and an unreachable Redis. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { closeQueue, closeWorker, createQueue, jobOptions } from '../../../db/queue/bullmq.ts'
import {
  createScriptQueryClient,
  ScriptQueryAbandoned,
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
import { subscribe } from '../../../db/redis/events.ts'
import { channelNames, queueNames } from '../../../db/redis/redis-keys.ts'
import type { ScriptAnswer, ScriptQuery } from '../../../domain/queue-messages.ts'
import { freePort } from '../../../lib/node/ports.ts'
import { redisPrefix, redisUrl } from '../../helpers/datastores.ts'
import { startTcpProxy, type TcpProxy } from '../../helpers/tcp-proxy.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { repeat, settleAll } from '../fixtures.ts'

const ignoreError = () => {}
const configQuery = (key: string): ScriptQuery => ({
  type: 'config',
  script: 'application_config',
  deployment: [[key, '']],
})
const within = (timeoutMs: number) => ({ timeoutMs, runnerTimeoutMs: timeoutMs })
const configCheck: ScriptQuery = {
  type: 'config_check',
  target: { name: 'x1', overrides: { application: [], deployment: [] } },
}
const concurrency = { scriptQueries: 4, configChecks: 4 }
const closeWorkers = (workers: Record<string, Worker>) =>
  Promise.all(Object.values(workers).map((worker) => closeWorker(worker, Promise.resolve())))
const echo = async (query: ScriptQuery): Promise<ScriptAnswer> =>
  query.type === 'config' ? { status: 'pairs', pairs: query.deployment } : { status: 'ok' }

let commands: Redis
before(async () => {
  commands = createCommandConnection(redisUrl(), ignoreError)
  await waitUntilReady(commands, 5000)
})
after(() => closeRedis(commands))

suite('script queries', { concurrency: 2 }, () => {
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
    const workers: Record<string, Worker> = reply
      ? serveScriptQueries(blocking, commands, prefix, concurrency, reply).workers
      : {}
    for (const worker of Object.values(workers)) worker.on('error', ignoreError)
    const client = createScriptQueryClient(commands, subscriber, prefix)
    try {
      await work(client, prefix)
    } finally {
      await closeWorkers(workers)
      await client.close()
      await closeRedis(subscriber)
      await closeRedis(blocking)
    }
  }

  /** Runs `work` with a client and a runner that serves only the shared queue. */
  async function withEarlierRunner<T>(work: (client: ScriptQueryClient) => Promise<T>): Promise<T> {
    const prefix = redisPrefix()
    const redis = repeat(2, () => createBlockingConnection(redisUrl(), ignoreError))
    const [subscriber, blocking] = redis as [Redis, Redis]
    const { workers } = serveScriptQueries(blocking, commands, prefix, concurrency, echo)
    await closeWorker(workers.configChecks, Promise.resolve())
    const client = createScriptQueryClient(commands, subscriber, prefix)
    try {
      return await work(client)
    } finally {
      await closeWorkers({ earlier: workers.scriptQueries })
      await client.close()
      await Promise.all(redis.map(closeRedis))
    }
  }

  test('Concurrent queries each get their own answer', () =>
    withClient(echo, async (client) => {
      const answers = await Promise.all(repeat(30, (at) => client.query(configQuery(`k${at}`), within(5000))))
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
        client.query(configQuery('mine'), within(5000)),
        otherClient.query(configQuery('theirs'), within(5000)),
      ])
      assert.equal(received.length, 1)
      assert.match(received[0] ?? '', /theirs/)
      await otherClient.close()
      await closeRedis(other)
    }))

  test('A query without an answer in time rejects with ScriptQueryTimeout', () =>
    withClient(null, async (client) => {
      const start = performance.now()
      await assert.rejects(client.query(configQuery('k'), within(300)), ScriptQueryTimeout)
      assert.ok(performance.now() - start < 1500)
    }))

  test('A query whose client has given up is not served', async () => {
    const prefix = redisPrefix()
    const subscriber = createBlockingConnection(redisUrl(), ignoreError)
    const client = createScriptQueryClient(commands, subscriber, prefix)
    await assert.rejects(client.query(configQuery('late'), within(100)), ScriptQueryTimeout)
    const served: ScriptQuery[] = []
    const blocking = createBlockingConnection(redisUrl(), ignoreError)
    const { workers } = serveScriptQueries(blocking, commands, prefix, concurrency, async (query) => {
      served.push(query)
      return echo(query)
    })
    await client.query(configQuery('in time'), within(5000))
    assert.deepEqual(served, [configQuery('in time')])
    await closeWorkers(workers)
    await client.close()
    for (const redis of [subscriber, blocking]) await closeRedis(redis)
  })

  test('Queries of config_check and other queries do not wait for each other', async () => {
    const held = Promise.withResolvers<ScriptAnswer>()
    const answerOnly = (type: ScriptQuery['type']) => (query: ScriptQuery) =>
      query.type === type ? echo(query) : held.promise
    await withClient(answerOnly('config_check'), async (client) => {
      const others = repeat(20, (at) => client.query(configQuery(`k${at}`), within(20_000)))
      assert.deepEqual(await client.query(configCheck, within(10_000)), { status: 'ok' })
      held.resolve({ status: 'ok' })
      await Promise.all(others)
    })
    await withClient(answerOnly('config'), async (client) => {
      const checks = repeat(20, () => client.query(configCheck, within(20_000)))
      assert.equal((await client.query(configQuery('k'), within(10_000))).status, 'pairs')
      await Promise.all(checks)
    })
  })

  test('A runner of an earlier version, which has one queue, answers config_check of a new server', async () => {
    const { won } = await withEarlierRunner(async (client) => {
      const limits = { timeoutMs: 10_000, runnerTimeoutMs: 5000 }
      return settleAll(repeat(3, () => client.query(configCheck, limits)))
    })
    assert.deepEqual(
      won,
      repeat(3, () => ({ status: 'ok' })),
    )
  })

  test('A config_check that a server of an earlier version sends is answered', () =>
    withClient(echo, async (_, prefix) => {
      const subscriber = createBlockingConnection(redisUrl(), ignoreError)
      const replies = Promise.withResolvers<string>()
      subscriber.on('message', (_channel, text) => replies.resolve(text))
      const replyTo = channelNames(prefix).replies('earlier')
      await subscriber.subscribe(replyTo)
      const queue = createQueue(queueNames.scriptQueries, commands, prefix)
      await queue.add('query', { id: 'q1', replyTo, timeoutMs: 10_000, query: configCheck }, jobOptions)
      assert.deepEqual(JSON.parse(await replies.promise), { id: 'q1', answer: { status: 'ok' } })
      await closeQueue(queue)
      await closeRedis(subscriber)
    }))

  test('A config_check that no runner takes is rejected after the shorter limit', () =>
    withClient(null, async (client) => {
      const limits = { timeoutMs: 60_000, runnerTimeoutMs: 500 }
      const error: unknown = await client.query(configCheck, limits).catch((reason) => reason)
      assert.ok(error instanceof ScriptQueryTimeout)
      assert.equal(error.limit, 'runnerTimeoutMs')
    }))

  test('A config_check that waits for a busy runner stays in its queue', async () => {
    const held = Promise.withResolvers<ScriptAnswer>()
    const served: ScriptQuery[] = []
    await withClient(
      (query) => {
        served.push(query)
        return held.promise
      },
      async (client) => {
        const limits = { timeoutMs: 20_000, runnerTimeoutMs: 1 }
        const checks = repeat(concurrency.configChecks + 1, () => client.query(configCheck, limits))
        // The answer of another query comes after several looks at the state of the waiting job.
        const another = client.query(configQuery('k'), within(1500)).catch((error) => error)
        assert.ok((await another) instanceof ScriptQueryTimeout)
        assert.equal(served.filter(({ type }) => type === 'config_check').length, concurrency.configChecks)
        held.resolve({ status: 'ok' })
        assert.equal((await Promise.all(checks)).length, concurrency.configChecks + 1)
      },
    )
  })

  test('A query whose client has gone is removed from the queue', () =>
    withClient(null, async (client, prefix) => {
      const queue = createQueue(queueNames.scriptQueries, commands, prefix)
      const gone = new AbortController()
      const asked = client.query(configQuery('k'), within(20_000), gone.signal)
      await waitFor('the query waits', async () => ({ done: (await queue.count()) === 1, value: null }))
      gone.abort()
      await assert.rejects(asked, ScriptQueryAbandoned)
      await waitFor('the queue is empty', async () => ({ done: (await queue.count()) === 0, value: null }))
      await assert.rejects(client.query(configQuery('k'), within(20_000), gone.signal), ScriptQueryAbandoned)
      await closeQueue(queue)
    }))

  test('A running query whose client has gone or has given up is ended, others go on', async () => {
    const prefix = redisPrefix()
    const redis = repeat(3, () => createBlockingConnection(redisUrl(), ignoreError))
    const [answers, blocking, messages] = redis as [Redis, Redis, Redis]
    const running = new Map<string, AbortSignal>()
    const held = Promise.withResolvers<ScriptAnswer>()
    const { workers, abandon } = serveScriptQueries(
      blocking,
      commands,
      prefix,
      concurrency,
      (query, signal) => {
        if (query.type === 'config') running.set(query.deployment[0]?.[0] ?? '', signal)
        return held.promise
      },
    )
    await subscribe(messages, prefix, { onAbandonedQuery: abandon })
    const client = createScriptQueryClient(commands, answers, prefix)
    const gone = new AbortController()
    const asked = client.query(configQuery('gone'), within(60_000), gone.signal)
    const impatient = client.query(configQuery('impatient'), { timeoutMs: 2000, runnerTimeoutMs: 2000 })
    const kept = client.query(configQuery('kept'), within(60_000))
    await waitFor('all run', async () => ({
      done: running.size === 3,
      value: null,
      seen: [...running.keys()],
    }))
    gone.abort()
    await assert.rejects(asked, ScriptQueryAbandoned)
    await assert.rejects(impatient, ScriptQueryTimeout)
    await waitFor('two are ended', async () => {
      const ended = [...running].filter(([, signal]) => signal.aborted).map(([key]) => key)
      return { done: ended.length === 2, value: null, seen: ended }
    })
    assert.equal(running.get('kept')?.aborted, false)
    held.resolve({ status: 'ok' })
    assert.deepEqual(await kept, { status: 'ok' })
    await closeWorkers(workers)
    await client.close()
    await Promise.all(redis.map(closeRedis))
  })

  test('No script runs for a server that was killed', async () => {
    const served: ScriptQuery[] = []
    await withClient(
      async (query) => {
        served.push(query)
        return echo(query)
      },
      async (client, prefix) => {
        const queue = createQueue(queueNames.scriptQueries, commands, prefix)
        const replyTo = channelNames(prefix).replies('killed')
        await queue.add(
          'query',
          { id: 'q1', replyTo, timeoutMs: 10_000, query: configQuery('lost') },
          jobOptions,
        )
        await waitFor('the query was taken', async () => ({ done: (await queue.count()) === 0, value: null }))
        await client.query(configQuery('k'), within(5000))
        assert.deepEqual(served, [configQuery('k')])
        await closeQueue(queue)
      },
    )
  })

  test('A failed or invalid answer does not affect other queries', () =>
    withClient(
      async (query) => {
        const [[key = ''] = []] = query.type === 'config' ? query.deployment : []
        if (key === 'throws') throw new Error('broken')
        return key === 'nonsense' ? ({ status: 'what' } as unknown as ScriptAnswer) : echo(query)
      },
      async (client, prefix) => {
        await client.query(configQuery('first'), within(3000))
        const [channel = ''] = await commands
          .call('PUBSUB', 'CHANNELS', `${channelNames(prefix).replies('')}*`)
          .then((names) => names as string[])
        assert.notEqual(channel, '')
        for (const text of ['', '{', 'null', '{"id":"unknown","answer":{}}'])
          await commands.publish(channel, text)
        const { won, lost } = await settleAll([
          client.query(configQuery('throws'), within(500)),
          client.query(configQuery('nonsense'), within(500)),
          client.query(configQuery('fine'), within(3000)),
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
      const { workers } = serveScriptQueries(blocking, commands, prefix, concurrency, async () => {
        received.resolve()
        return answered.promise
      })
      for (const worker of Object.values(workers)) worker.on('error', ignoreError)
      const client = createScriptQueryClient(redis, subscriber, prefix)
      const query = client.query(configQuery('k'), within(8000))
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
      await closeWorkers(workers)
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
      await assert.rejects(client.query(configQuery('k'), within(5000)))
      assert.ok(performance.now() - start < 2300, `${performance.now() - start} ms`)
      await client.close()
      redis.disconnect()
      subscriber.disconnect()
    }
    await proxy.close()
  })
})
