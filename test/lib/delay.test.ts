import assert from 'node:assert/strict'
import { test } from 'node:test'
import { delay } from '../../lib/delay.ts'

test('A delay lasts as long as asked', async () => {
  const startedAt = performance.now()
  await delay(20)
  assert.ok(performance.now() - startedAt >= 19)
})

test('An abort ends the delay at once, without an error', async () => {
  const aborted = new AbortController()
  const waiting = delay(60_000, aborted.signal)
  aborted.abort()
  await waiting
  await delay(60_000, aborted.signal)
})
