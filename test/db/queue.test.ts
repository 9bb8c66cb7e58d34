/** Bells and questions: bounded in time, whatever Redis does. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { Redis } from 'ioredis'
import { channels } from '../../db/names.ts'
import {
  closeWorker,
  hearBells,
  hearQuestions,
  NoAnswer,
  openBells,
  openQuestions,
  type Questions,
} from '../../db/queue.ts'
import { closeRedis, openBlocking, openCommands, openSubscriber, whenReady } from '../../db/redis.ts'
import type { Answer, Question } from '../../domain/job.ts'
import { eventually } from '../helpers/eventually.ts'
import { freePort } from '../helpers/free-port.ts'
import { openProxy, type StoreProxy } from '../helpers/proxy.ts'
import { redisPrefix, redisUrl } from '../helpers/stores.ts'
import { outcomes, times } from './ground.ts'

const silent = () => {}
const question = (key: string): Question => ({
  ask: 'config',
  script: 'application_config',
  deployment: [[key, '']],
})
const echo = async (asked: Question): Promise<Answer> =>
  asked.ask === 'config' ? { is: 'pairs', pairs: asked.deployment } : { is: 'ok' }

let commands: Redis
before(async () => {
  commands = openCommands(redisUrl(), silent)
  await whenReady(commands, 5000)
})
after(() => closeRedis(commands))

suite('bells', () => {
  test('reach one who hears, each once', async () => {
    const prefix = redisPrefix()
    const heard: number[] = []
    const connections = [openBlocking(redisUrl(), silent), openBlocking(redisUrl(), silent)]
    const workers = connections.map((redis) =>
      hearBells(redis, prefix, 4, async (actionId) => {
        heard.push(actionId)
      }),
    )
    const bells = openBells(commands, prefix)
    const rung = await Promise.all(times(20, (at) => bells.ring(at)))
    assert.ok(rung.every((one) => one))
    await eventually('all heard', async () => ({ done: heard.length >= 20, value: null, seen: heard }))
    assert.equal(await bells.ring(3), true, 'the same action can be rung for again')
    await eventually('heard again', async () => ({ done: heard.length >= 21, value: null, seen: heard }))
    assert.deepEqual(
      heard.sort((a, b) => a - b),
      [...times(20, (at) => at), 3].sort((a, b) => a - b),
    )
    await Promise.all(workers.map((worker) => closeWorker(worker, Promise.resolve())))
    await bells.close()
    for (const redis of connections) await closeRedis(redis)
    const left = await commands.keys(`${prefix}:*`)
    assert.deepEqual(
      left.filter((key) => /:\d+$/.test(key)),
      [],
      'no job is kept',
    )
  })

  test('rung where no Redis is, or a black hole, are not known to have rung within about a second', async () => {
    const proxy = await openProxy(redisUrl())
    const frozen = openCommands(proxy.url, silent)
    await whenReady(frozen, 5000)
    proxy.freeze()
    const away = openCommands(`redis://127.0.0.1:${await freePort()}`, silent)
    for (const redis of [away, frozen]) {
      const bells = openBells(redis, redisPrefix())
      const start = performance.now()
      const rung = await Promise.all([bells.ring(1), bells.ring(2)])
      assert.ok(performance.now() - start < 1800, `${performance.now() - start} ms`)
      assert.deepEqual(rung, [false, false])
      const closing = performance.now()
      await bells.close()
      assert.ok(performance.now() - closing < 1500, 'closing is bounded too')
      redis.disconnect()
    }
    await proxy.close()
  })
})

suite('questions', { concurrency: true }, () => {
  /** An asker, and as many who answer as wanted. */
  async function asking(
    reply: ((asked: Question) => Promise<Answer>) | null,
    work: (questions: Questions, prefix: string) => Promise<void>,
  ): Promise<void> {
    const prefix = redisPrefix()
    const [subscriber, blocking] = [openBlocking(redisUrl(), silent), openBlocking(redisUrl(), silent)]
    const worker = reply ? hearQuestions(blocking, commands, prefix, 4, reply) : null
    worker?.on('error', silent)
    const questions = openQuestions(commands, subscriber, prefix)
    try {
      await work(questions, prefix)
    } finally {
      if (worker) await closeWorker(worker, Promise.resolve())
      await questions.close()
      await closeRedis(subscriber)
      await closeRedis(blocking)
    }
  }

  test('are answered, many at once, each with its own answer', () =>
    asking(echo, async (questions) => {
      const answers = await Promise.all(times(30, (at) => questions.ask(question(`k${at}`), 5000)))
      assert.deepEqual(
        answers,
        times(30, (at) => ({ is: 'pairs', pairs: [[`k${at}`, '']] })),
      )
    }))

  test('are answered to the asker only', () =>
    asking(echo, async (questions, prefix) => {
      const other = openBlocking(redisUrl(), silent)
      const heard: string[] = []
      other.on('message', (_, message) => heard.push(message))
      const another = openQuestions(commands, other, prefix)
      await Promise.all([questions.ask(question('mine'), 5000), another.ask(question('theirs'), 5000)])
      assert.equal(heard.length, 1)
      assert.match(heard[0] ?? '', /theirs/)
      await another.close()
      await closeRedis(other)
    }))

  test('that nobody answers in time end with NoAnswer', () =>
    asking(null, async (questions) => {
      const start = performance.now()
      await assert.rejects(questions.ask(question('k'), 300), NoAnswer)
      assert.ok(performance.now() - start < 1500)
    }))

  test('whose asker has given up are not worked on any more', async () => {
    const prefix = redisPrefix()
    const subscriber = openBlocking(redisUrl(), silent)
    const questions = openQuestions(commands, subscriber, prefix)
    await assert.rejects(questions.ask(question('late'), 100), NoAnswer)
    const asked: Question[] = []
    const blocking = openBlocking(redisUrl(), silent)
    const worker = hearQuestions(blocking, commands, prefix, 1, async (one) => {
      asked.push(one)
      return echo(one)
    })
    await questions.ask(question('in time'), 5000)
    assert.deepEqual(asked, [question('in time')])
    await closeWorker(worker, Promise.resolve())
    await questions.close()
    for (const redis of [subscriber, blocking]) await closeRedis(redis)
  })

  test('whose answer fails, or is nonsense, do not harm the others', () =>
    asking(
      async (asked) => {
        const [[key = ''] = []] = asked.ask === 'config' ? asked.deployment : []
        if (key === 'throws') throw new Error('broken')
        return key === 'nonsense' ? ({ is: 'what' } as unknown as Answer) : echo(asked)
      },
      async (questions, prefix) => {
        await questions.ask(question('first'), 3000)
        const [channel = ''] = await commands
          .call('PUBSUB', 'CHANNELS', `${channels(prefix).answers('')}*`)
          .then((names) => names as string[])
        assert.notEqual(channel, '')
        for (const text of ['', '{', 'null', '{"id":"unknown","answer":{}}'])
          await commands.publish(channel, text)
        const { won, lost } = await outcomes([
          questions.ask(question('throws'), 500),
          questions.ask(question('nonsense'), 500),
          questions.ask(question('fine'), 3000),
        ])
        assert.equal(lost.length, 2)
        assert.deepEqual(won, [{ is: 'pairs', pairs: [['fine', '']] }])
      },
    ))

  test('under way when Redis goes away, becomes a black hole or loses its data fail soon, not as unanswered', async () => {
    const lost = async (happen: (proxy: StoreProxy, prefix: string) => Promise<void> | void) => {
      const proxy = await openProxy(redisUrl())
      const [redis, subscriber] = [openCommands(proxy.url, silent), openSubscriber(proxy.url, silent)]
      await whenReady(redis, 5000)
      const prefix = redisPrefix()
      const blocking = openBlocking(redisUrl(), silent)
      const heard = Promise.withResolvers<void>()
      const over = Promise.withResolvers<Answer>()
      const worker = hearQuestions(blocking, commands, prefix, 1, async () => {
        heard.resolve()
        return over.promise
      })
      worker.on('error', silent)
      const questions = openQuestions(redis, subscriber, prefix)
      const asked = questions.ask(question('k'), 8000)
      const outcome = asked.then(
        () => null,
        (error: Error) => error,
      )
      await heard.promise
      await happen(proxy, prefix)
      const start = performance.now()
      const error = await outcome
      const tookMs = performance.now() - start
      over.resolve({ is: 'ok' })
      await closeWorker(worker, Promise.resolve())
      await questions.close()
      for (const one of [redis, subscriber, blocking]) one.disconnect()
      await proxy.close()
      assert.ok(error !== null && !(error instanceof NoAnswer), String(error))
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

  test('asked of a Redis that is away, or a black hole, fail within about a second', async () => {
    const proxy = await openProxy(redisUrl())
    const [frozen, frozenToo] = [openCommands(proxy.url, silent), openBlocking(proxy.url, silent)]
    await whenReady(frozen, 5000)
    await whenReady(frozenToo, 5000)
    proxy.freeze()
    const none = `redis://127.0.0.1:${await freePort()}`
    for (const [redis, subscriber] of [
      [frozen, frozenToo],
      [openCommands(none, silent), openBlocking(none, silent)],
    ] as const) {
      const questions = openQuestions(redis, subscriber, redisPrefix())
      const start = performance.now()
      await assert.rejects(questions.ask(question('k'), 5000))
      assert.ok(performance.now() - start < 2300, `${performance.now() - start} ms`)
      await questions.close()
      redis.disconnect()
      subscriber.disconnect()
    }
    await proxy.close()
  })
})
