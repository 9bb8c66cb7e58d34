import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBatchLoader } from '../../../lib/node/batch-loader.ts'

test('All calls of one event loop turn share one load, and each key is loaded once', async () => {
  const batches: (readonly string[])[] = []
  const load = createBatchLoader(async (keys) => {
    batches.push(keys)
    return new Map(keys.filter((key) => key !== 'missing').map((key) => [key, key.toUpperCase()]))
  })
  assert.deepEqual(await Promise.all(['a', 'b', 'a', 'missing'].map(load)), ['A', 'B', 'A', undefined])
  assert.equal(await load('c'), 'C')
  assert.deepEqual(batches, [['a', 'b', 'missing'], ['c']])
})

test('A call during a load does not wait for it and gets no older value', async () => {
  let version = 0
  const first = Promise.withResolvers<void>()
  const load = createBatchLoader(async (keys) => {
    const loadedVersion = ++version
    if (loadedVersion === 1) await first.promise
    return new Map(keys.map((key) => [key, loadedVersion]))
  })
  const slow = load('a')
  await new Promise(setImmediate)
  assert.equal(await load('a'), 2)
  first.resolve()
  assert.equal(await slow, 1)
})

test('A failed load rejects the calls of its turn and no others', async () => {
  let count = 0
  const load = createBatchLoader(async (keys) => {
    count += 1
    if (count === 1) throw new Error('failed')
    return new Map(keys.map((key) => [key, key]))
  })
  const failed = await Promise.allSettled([load('a'), load('b')])
  assert.ok(failed.every(({ status }) => status === 'rejected'))
  assert.equal(await load('a'), 'a')
})
