import assert from 'node:assert/strict'
import { test } from 'node:test'
import { singleFlight } from '../../lib/single-flight.ts'

function createCountedWork() {
  let started = 0
  const waiting: (() => void)[] = []
  const work = singleFlight(() => {
    const run = ++started
    return new Promise<number>((resolve) => waiting.push(() => resolve(run)))
  })
  const finishOne = async () => {
    waiting.shift()?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { work, finishOne, started: () => started }
}

test('Calls during a run share the next run', async () => {
  const { work, finishOne, started } = createCountedWork()
  const first = work()
  const later = [work(), work(), work()]
  assert.equal(started(), 1)
  await finishOne()
  assert.equal(await first, 1)
  assert.equal(started(), 2)
  await finishOne()
  assert.deepEqual(await Promise.all(later), [2, 2, 2])
})

test('A failed run rejects its own callers and no others', async () => {
  let fail = true
  const work = singleFlight(async () => {
    await new Promise((resolve) => setImmediate(resolve))
    if (fail) throw new Error('failed')
    return 'done'
  })
  const first = work()
  const second = work()
  await assert.rejects(first, /failed/)
  fail = false
  assert.equal(await second, 'done')
  assert.equal(await work(), 'done')
})
