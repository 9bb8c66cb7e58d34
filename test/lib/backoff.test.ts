import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backoffMs } from '../../lib/backoff.ts'

test('The delay doubles with each attempt up to its maximum', () => {
  assert.deepEqual(
    [0, 1, 2, 9, 5000].map((attempt) => backoffMs(attempt, 100, 1000, 1)),
    [100, 200, 400, 1000, 1000],
  )
})

test('The random share is between one half and all of the delay', () => {
  assert.equal(backoffMs(0, 100, 1000, 0), 50)
  for (let round = 0; round < 100; round++) {
    const ms = backoffMs(1, 100, 1000)
    assert.ok(ms >= 100 && ms <= 200, String(ms))
  }
})
