import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSemaphore } from '../../lib/semaphore.ts'

test('as many as there is room for go at once, the others one after another in the order they came', async () => {
  const semaphore = createSemaphore(2)
  const order: number[] = []
  const taken = [0, 1, 2, 3].map((at) => semaphore.acquire().then((room) => room && order.push(at)))
  await Promise.all(taken.slice(0, 2))
  assert.deepEqual([order, semaphore.available()], [[0, 1], 0])
  semaphore.release()
  await taken[2]
  semaphore.release()
  await taken[3]
  assert.deepEqual(order, [0, 1, 2, 3])
  semaphore.release()
  semaphore.release()
  assert.equal(semaphore.available(), 2)
})

test('who waits too long goes away, and its place in the queue with it', async () => {
  const semaphore = createSemaphore(1)
  await semaphore.acquire()
  const patient = semaphore.acquire()
  assert.equal(await semaphore.acquire(10), false)
  semaphore.release()
  assert.equal(await patient, true)
  semaphore.release()
  assert.equal(semaphore.available(), 1)
})

test('once closed nothing is taken any more, and who waits is told', async () => {
  const semaphore = createSemaphore(1)
  await semaphore.acquire()
  const waiting = semaphore.acquire(60_000)
  semaphore.close()
  assert.deepEqual([await waiting, await semaphore.acquire(), semaphore.available()], [false, false, 0])
})
