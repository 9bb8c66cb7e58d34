import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSharedTasks } from '../../lib/shared-tasks.ts'

function controlledWork() {
  const { promise, resolve } = Promise.withResolvers<string>()
  const signals: AbortSignal[] = []
  const work = (signal: AbortSignal) => {
    signals.push(signal)
    return promise
  }
  return { work, resolve, signals }
}

test('Concurrent callers with one key share a run; a later caller starts another one', async () => {
  const tasks = createSharedTasks<string>()
  const { work, resolve, signals } = controlledWork()
  const calls = [
    tasks.run('a', undefined, work),
    tasks.run('a', undefined, work),
    tasks.run('b', undefined, work),
  ]
  assert.equal(signals.length, 2)
  resolve('done')
  assert.deepEqual(await Promise.all(calls), ['done', 'done', 'done'])
  await tasks.run('a', undefined, work)
  assert.equal(signals.length, 3)
})

test('The run is abandoned when the last caller has gone, and not before', async () => {
  const tasks = createSharedTasks<string>()
  const { work, signals } = controlledWork()
  const [one, two] = [new AbortController(), new AbortController()]
  const first = tasks.run('a', one.signal, work)
  const second = tasks.run('a', two.signal, work)
  one.abort(new Error('gone'))
  await assert.rejects(first, /gone/)
  assert.equal(signals[0]?.aborted, false)
  two.abort(new Error('gone too'))
  await assert.rejects(second, /gone too/)
  assert.equal(signals[0]?.aborted, true)
  // The abandoned run has not ended, but nobody joins it any more.
  void tasks.run('a', undefined, work)
  assert.equal(signals.length, 2)
})

test('A failure reaches every caller', async () => {
  const tasks = createSharedTasks<string>()
  const fail = async () => {
    throw new Error('broken')
  }
  const calls = [tasks.run('a', undefined, fail), tasks.run('a', new AbortController().signal, fail)]
  for (const call of calls) await assert.rejects(call, /broken/)
  await assert.rejects(tasks.run('a', AbortSignal.abort(new Error('gone')), fail), /gone/)
})
