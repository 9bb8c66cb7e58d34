import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBatchLoader } from '../../lib/batch-loader.ts'

test('All calls of one event loop turn share one load, and each key is loaded once', async () => {
  const asked: (readonly string[])[] = []
  const ask = createBatchLoader(async (keys) => {
    asked.push(keys)
    return new Map(keys.filter((key) => key !== 'nobody').map((key) => [key, key.toUpperCase()]))
  })
  assert.deepEqual(await Promise.all(['a', 'b', 'a', 'nobody'].map(ask)), ['A', 'B', 'A', undefined])
  assert.equal(await ask('c'), 'C')
  assert.deepEqual(asked, [['a', 'b', 'nobody'], ['c']])
})

test('A call during a load does not wait for it and gets no older value', async () => {
  let version = 0
  const first = Promise.withResolvers<void>()
  const ask = createBatchLoader(async (keys) => {
    const mine = ++version
    if (mine === 1) await first.promise
    return new Map(keys.map((key) => [key, mine]))
  })
  const slow = ask('a')
  await new Promise(setImmediate)
  assert.equal(await ask('a'), 2)
  first.resolve()
  assert.equal(await slow, 1)
})

test('A failed load rejects the calls of its turn and no others', async () => {
  let count = 0
  const ask = createBatchLoader(async (keys) => {
    count += 1
    if (count === 1) throw new Error('away')
    return new Map(keys.map((key) => [key, key]))
  })
  const lost = await Promise.allSettled([ask('a'), ask('b')])
  assert.ok(lost.every(({ status }) => status === 'rejected'))
  assert.equal(await ask('a'), 'a')
})
