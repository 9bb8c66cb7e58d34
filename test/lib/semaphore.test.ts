/** The semaphore: its limit, the order of waiters, their time limit, closing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSemaphore } from '../../lib/semaphore.ts'

test('Permits are granted up to the limit, then in order of arrival', async () => {
  const semaphore = createSemaphore(2)
  const order: number[] = []
  const permits = [0, 1, 2, 3].map((index) =>
    semaphore.acquire().then((acquired) => acquired && order.push(index)),
  )
  await Promise.all(permits.slice(0, 2))
  assert.deepEqual([order, semaphore.available()], [[0, 1], 0])
  semaphore.release()
  await permits[2]
  semaphore.release()
  await permits[3]
  assert.deepEqual(order, [0, 1, 2, 3])
  semaphore.release()
  semaphore.release()
  assert.equal(semaphore.available(), 2)
})

test('A waiter that times out leaves the queue', async () => {
  const semaphore = createSemaphore(1)
  await semaphore.acquire()
  const waiting = semaphore.acquire()
  assert.equal(await semaphore.acquire(10), false)
  semaphore.release()
  assert.equal(await waiting, true)
  semaphore.release()
  assert.equal(semaphore.available(), 1)
})

test('A closed semaphore grants nothing, and waiters get false', async () => {
  const semaphore = createSemaphore(1)
  await semaphore.acquire()
  const waiting = semaphore.acquire(60_000)
  semaphore.close()
  assert.deepEqual([await waiting, await semaphore.acquire(), semaphore.available()], [false, false, 0])
})
