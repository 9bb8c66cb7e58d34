/**
 * A model of one lease: the real runner/actions/lease.ts with a fake clock and a fake database. Renewals are
 * slow, fail, succeed without a response, or meet a frozen runner. The runner or its watchdog must always end
 * the script early enough that it has ended before the lease. fast-check prints the seed of a failure.
 */
import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import fc from 'fast-check'
import { pino } from 'pino'
import { startLeaseRenewal } from '../../runner/actions/lease.ts'
import type { RunnerContext } from '../../runner/context.ts'
import { watchdogIntervalMs } from '../../runner/process/watchdog.ts'

type Times = { leaseMs: number; graceMs: number }
const defaults: Times = { leaseMs: 20_000, graceMs: 5000 }
/** All values that the settings allow. */
const times: fc.Arbitrary<Times> = fc
  .record({
    leaseMs: fc.integer({ min: 2000, max: 300_000 }),
    share: fc.double({ min: 0, max: 0.499, noNaN: true }),
  })
  .map(({ leaseMs, share }) => ({ leaseMs, graceMs: Math.floor(leaseMs * share) }))
/** The query timeout of the connections that runner/main.ts opens for leases. */
const queryTimeoutMs = 2250

/** One renewal: the delays of request and response. `breaks`: the connection breaks in place of the response. */
type Renewal = { requestMs: number; responseMs: number; breaks: boolean; cancel: boolean }
/** The process is frozen `afterMs` after the claim, for `forMs`. */
type Freeze = { afterMs: number; forMs: number }

const renewal: fc.Arbitrary<Renewal> = fc.record({
  requestMs: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 6000 })),
  responseMs: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 6000 })),
  breaks: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  cancel: fc.oneof(
    { weight: 30, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  ),
})
const freeze: fc.Arbitrary<Freeze | null> = fc.option(
  fc.record({ afterMs: fc.integer({ min: 0, max: 40_000 }), forMs: fc.integer({ min: 100, max: 60_000 }) }),
)

/** `completed`: the script ran to the end of the simulation. */
type SimulationResult = {
  completed: boolean
  abortedAt: number | null
  reason: unknown
  watchdogDeadline: number
  leaseEnds: number
}

/**
 * Simulates the time of four leases. Resolves with the time and reason of the end of the script, and the true
 * end of the lease.
 */
async function simulateLease(
  renewals: readonly Renewal[],
  frozen: Freeze | null,
  { leaseMs, graceMs }: Times = defaults,
): Promise<SimulationResult> {
  let clock = 1_000_000
  const start = clock
  mock.timers.enable({ apis: ['setTimeout'] })
  const now = mock.method(performance, 'now', () => clock)
  try {
    let leaseEnds = clock + leaseMs
    let watchdogDeadline = Number.POSITIVE_INFINITY
    let renewalCount = 0
    const later = (ms: number, work: () => void) => setTimeout(work, ms)
    // The database: a request that arrives in time renews the lease, a later one is rejected. The query has
    // a timeout.
    const maybeOne = () =>
      new Promise((resolve, reject) => {
        const next = renewals[renewalCount] ?? { requestMs: 5, responseMs: 5, breaks: false, cancel: false }
        renewalCount += 1
        later(queryTimeoutMs, () => reject(new Error('PostgreSQL did not answer')))
        // The request arrives even when its runner is frozen by then.
        const arrivesAt = clock + next.requestMs
        later(next.requestMs, () => {
          const isHeld = arrivesAt < leaseEnds
          if (isHeld) leaseEnds = Math.max(leaseEnds, arrivesAt + leaseMs)
          later(next.responseMs, () =>
            next.breaks ? reject(new Error('reset')) : resolve(isHeld ? { cancel: next.cancel } : null),
          )
        })
      })
    const context = {
      leaseDb: { maybeOne },
      settings: { LEASE: leaseMs, KILL_GRACE: graceMs },
      watchdog: {
        extendDeadline: (_: string, remainingMs: number) => {
          watchdogDeadline = clock + Math.max(0, remainingMs)
        },
      },
      log: pino({ level: 'silent' }),
      logFailure: () => {},
    } as unknown as RunnerContext
    const lease = startLeaseRenewal(context, { actionId: 1, fencingToken: 1 }, 'marker', clock)
    let abortedAt: number | null = null
    lease.signal.addEventListener('abort', () => {
      abortedAt = clock
    })
    while (clock < start + 4 * leaseMs && abortedAt === null && clock < watchdogDeadline) {
      let ms = leaseMs / 400
      // Frozen: the clock runs on, and this process does nothing until the end.
      if (frozen !== null && clock >= start + frozen.afterMs) {
        ms = frozen.forMs
        if (clock + ms >= watchdogDeadline) break
        frozen = null
      }
      clock += ms
      mock.timers.tick(ms)
      await new Promise((resolve) => setImmediate(resolve))
    }
    lease.stop()
    const completed = abortedAt === null && clock >= start + 4 * leaseMs
    return { completed, abortedAt, reason: lease.signal.reason, watchdogDeadline, leaseEnds }
  } finally {
    now.mock.restore()
    mock.timers.reset()
  }
}

test('A script is ended early enough, whatever happens to renewals and however long its runner is frozen', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(renewal, { maxLength: 25 }), freeze, times, async (renewals, frozen, set) => {
      const { abortedAt, reason, watchdogDeadline, leaseEnds } = await simulateLease(renewals, frozen, set)
      if (reason === 'cancelled') return
      const endRequestedAt = Math.min(abortedAt ?? Number.POSITIVE_INFINITY, watchdogDeadline)
      // KILL_GRACE, one interval of the watchdog, and the time that SIGKILL takes.
      const endedBy =
        endRequestedAt + set.graceMs + watchdogIntervalMs(set.leaseMs) + Math.min(1000, set.leaseMs / 10)
      assert.ok(endedBy <= leaseEnds, `ended by ${endedBy}, the lease ends at ${leaseEnds}`)
    }),
    { numRuns: 200 },
  )
})

test('A script whose renewals are answered keeps running, whatever the settings', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(renewal, { maxLength: 25 }), times, async (renewals, set) => {
      // Request and response each take up to a hundredth of the lease.
      const factor = Math.min(500, set.leaseMs / 100) / 6000
      const prompt = renewals.map(({ requestMs, responseMs }) => ({
        ...{ requestMs: requestMs * factor, responseMs: responseMs * factor },
        ...{ breaks: false, cancel: false },
      }))
      assert.ok((await simulateLease(prompt, null, set)).completed)
    }),
    { numRuns: 200 },
  )
})

test('With the default settings a script keeps running although every renewal takes 2 s', async () => {
  const slow = Array.from({ length: 25 }, () => ({
    requestMs: 1000,
    responseMs: 1000,
    breaks: false,
    cancel: false,
  }))
  assert.ok((await simulateLease(slow, null)).completed)
})

test('The next renewal reports a cancellation', async () => {
  const { reason } = await simulateLease([{ requestMs: 5, responseMs: 5, breaks: false, cancel: true }], null)
  assert.equal(reason, 'cancelled')
})

test('isExpired() is true at the deadline even before a timer has fired', () => {
  let clock = 1_000_000
  mock.timers.enable({ apis: ['setTimeout'] })
  const now = mock.method(performance, 'now', () => clock)
  try {
    const context = {
      settings: { LEASE: defaults.leaseMs, KILL_GRACE: defaults.graceMs },
      watchdog: { extendDeadline: () => {} },
    } as unknown as RunnerContext
    const lease = startLeaseRenewal(context, { actionId: 1, fencingToken: 1 }, 'marker', clock)
    assert.equal(lease.isExpired(), false)
    clock += defaults.leaseMs - defaults.graceMs
    assert.deepEqual([lease.signal.aborted, lease.isExpired()], [false, true])
    lease.stop()
  } finally {
    now.mock.restore()
    mock.timers.reset()
  }
})
