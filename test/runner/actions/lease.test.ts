/** Pausing the renewal of a lease. See test/fault/lease-model.test.ts for renewal and expiry. */
import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { pino } from 'pino'
import { startLeaseRenewal } from '../../../runner/actions/lease.ts'
import type { RunnerContext } from '../../../runner/context.ts'

test('A lease is not renewed during a long write, and is renewed again after the write has failed', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.after(() => mock.timers.reset())
  let renewals = 0
  const context = {
    leaseDb: {
      maybeOne: async () => {
        renewals += 1
        return { cancel: false }
      },
    },
    settings: { LEASE: 6000, KILL_GRACE: 1000 },
    watchdog: { extendDeadline: () => {} },
    log: pino({ level: 'silent' }),
  } as unknown as RunnerContext
  const lease = startLeaseRenewal(context, { actionId: 1, fencingToken: 1 }, 'marker', performance.now())
  const advanceOneSecond = async () => {
    mock.timers.tick(1000)
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve()
  }
  await advanceOneSecond()
  assert.equal(renewals, 1)
  const write = Promise.withResolvers<void>()
  const written = lease.pauseRenewalWhile(() => write.promise)
  for (let second = 0; second < 3; second += 1) await advanceOneSecond()
  assert.equal(renewals, 1)
  write.reject(new Error('unreachable'))
  await assert.rejects(written, /unreachable/)
  await advanceOneSecond()
  assert.equal(renewals, 2)
  lease.stop()
})
