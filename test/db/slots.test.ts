import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSlots } from '../../db/slots.ts'

test('as many as there is room for go at once, the others one after another in the order they came', async () => {
  const slots = createSlots(2)
  const order: number[] = []
  const taken = [0, 1, 2, 3].map((at) => slots.take().then((room) => room && order.push(at)))
  await Promise.all(taken.slice(0, 2))
  assert.deepEqual([order, slots.free()], [[0, 1], 0])
  slots.leave()
  await taken[2]
  slots.leave()
  await taken[3]
  assert.deepEqual(order, [0, 1, 2, 3])
  slots.leave()
  slots.leave()
  assert.equal(slots.free(), 2)
})

test('who waits too long goes away, and its place in the queue with it', async () => {
  const slots = createSlots(1)
  await slots.take()
  const patient = slots.take()
  assert.equal(await slots.take(10), false)
  slots.leave()
  assert.equal(await patient, true)
  slots.leave()
  assert.equal(slots.free(), 1)
})

test('once closed nothing is taken any more, and who waits is told', async () => {
  const slots = createSlots(1)
  await slots.take()
  const waiting = slots.take(60_000)
  slots.close()
  assert.deepEqual([await waiting, await slots.take(), slots.free()], [false, false, 0])
})
