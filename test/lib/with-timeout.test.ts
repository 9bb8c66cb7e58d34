/** withTimeout limits the wait, ignores what comes later and leaves no timer behind. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { TimeoutError, withTimeout } from '../../lib/with-timeout.ts'

const never = new Promise<never>(() => {})
const activeTimers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length

suite('withTimeout', () => {
  test('A promise that settles in time decides the result', async () => {
    assert.equal(await withTimeout(Promise.resolve(7), 1000), 7)
    await assert.rejects(withTimeout(Promise.reject(new Error('no')), 1000), /^Error: no$/)
  })

  test('A promise that takes too long is rejected with a TimeoutError', async () => {
    await assert.rejects(withTimeout(never, 5), new TimeoutError('timed out after 5 ms'))
  })

  test('onTimeout decides the result after the time limit', async () => {
    assert.equal(await withTimeout(never, 5, () => 'late'), 'late')
    const onTimeout = () => {
      throw new RangeError('too slow')
    }
    await assert.rejects(withTimeout(never, 5, onTimeout), new RangeError('too slow'))
  })

  test('A rejection after the time limit is ignored', async () => {
    const { promise, reject } = Promise.withResolvers<never>()
    assert.equal(await withTimeout(promise, 5, () => 'late'), 'late')
    reject(new Error('too late'))
    await new Promise((resolve) => setImmediate(resolve))
  })

  test('The timer is cleared when the promise settles', async () => {
    const before = activeTimers()
    await withTimeout(Promise.resolve(), 60_000)
    await Promise.allSettled([withTimeout(Promise.reject(new Error('no')), 60_000)])
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(activeTimers(), before)
  })
})
