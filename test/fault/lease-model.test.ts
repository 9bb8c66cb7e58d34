/**
 * A model of one lease: the real runner/actions/lease.ts on a clock and a store that are made up, with renewals that are slow, fail, are
 * done without an answer, or come to a runner that stands still. Whatever happens, the script is asked to end, by the runner or its
 * supervisor, early enough to be dead before the lease is over. fast-check prints the seed of what fails.
 */
import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import fc from 'fast-check'
import { pino } from 'pino'
import { startLeaseRenewal } from '../../runner/actions/lease.ts'
import type { RunnerContext } from '../../runner/context.ts'
import { watchdogIntervalMs } from '../../runner/process/watchdog.ts'

type Times = { leaseMs: number; graceMs: number }
const usual: Times = { leaseMs: 20_000, graceMs: 5000 }
/** Whatever the settings allow. */
const times: fc.Arbitrary<Times> = fc
  .record({
    leaseMs: fc.integer({ min: 2000, max: 300_000 }),
    part: fc.double({ min: 0, max: 0.499, noNaN: true }),
  })
  .map(({ leaseMs, part }) => ({ leaseMs, graceMs: Math.floor(leaseMs * part) }))
/** As runner/main.ts opens the connections for leases. */
const patienceMs = 2250

/** What becomes of one renewal: how long it is on its way, and back; `ends`: the connection breaks instead of an answer. */
type Renewal = { thereMs: number; backMs: number; ends: boolean; cancel: boolean }
/** `afterMs` after the claim the process stands still for `forMs`. */
type Freeze = { afterMs: number; forMs: number }

const renewal: fc.Arbitrary<Renewal> = fc.record({
  thereMs: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 6000 })),
  backMs: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 6000 })),
  ends: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  cancel: fc.oneof(
    { weight: 30, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  ),
})
const freeze: fc.Arbitrary<Freeze | null> = fc.option(
  fc.record({ afterMs: fc.integer({ min: 0, max: 40_000 }), forMs: fc.integer({ min: 100, max: 60_000 }) }),
)

/** `wentOn`: to the end, asked by nobody to end. */
type SimulationResult = {
  wentOn: boolean
  abortedAt: number | null
  reason: unknown
  toldUntil: number
  leaseEnds: number
}

/** Lives through four leases; gives when and why the script was asked to end, and the truth about the lease at that time. */
async function simulateLease(
  renewals: readonly Renewal[],
  frozen: Freeze | null,
  { leaseMs, graceMs }: Times = usual,
): Promise<SimulationResult> {
  let clock = 1_000_000
  const start = clock
  mock.timers.enable({ apis: ['setTimeout'] })
  const now = mock.method(performance, 'now', () => clock)
  try {
    let leaseEnds = clock + leaseMs
    let toldUntil = Number.POSITIVE_INFINITY
    let next = 0
    const later = (ms: number, work: () => void) => setTimeout(work, ms)
    // The store: what arrives in time renews, what does not is refused; the asker waits only so long.
    const maybeOne = () =>
      new Promise((resolve, reject) => {
        const how = renewals[next] ?? { thereMs: 5, backMs: 5, ends: false, cancel: false }
        next += 1
        later(patienceMs, () => reject(new Error('PostgreSQL did not answer')))
        // It arrives when it does, also of a runner that stands still by then.
        const arrivesAt = clock + how.thereMs
        later(how.thereMs, () => {
          const held = arrivesAt < leaseEnds
          if (held) leaseEnds = Math.max(leaseEnds, arrivesAt + leaseMs)
          later(how.backMs, () =>
            how.ends ? reject(new Error('reset')) : resolve(held ? { cancel: how.cancel } : null),
          )
        })
      })
    const workshop = {
      leases: { maybeOne },
      settings: { LEASE: leaseMs, KILL_GRACE: graceMs },
      supervisor: {
        until: (_: string, leftMs: number) => {
          toldUntil = clock + Math.max(0, leftMs)
        },
      },
      log: pino({ level: 'silent' }),
    } as unknown as RunnerContext
    const lease = startLeaseRenewal(workshop, { actionId: 1, fencingToken: 1 }, 'mark', clock)
    let abortedAt: number | null = null
    lease.signal.addEventListener('abort', () => {
      abortedAt = clock
    })
    while (clock < start + 4 * leaseMs && abortedAt === null && clock < toldUntil) {
      let ms = leaseMs / 400
      // Frozen: the clock goes on, and nothing of ours happens until it is over.
      if (frozen !== null && clock >= start + frozen.afterMs) {
        ms = frozen.forMs
        if (clock + ms >= toldUntil) break
        frozen = null
      }
      clock += ms
      mock.timers.tick(ms)
      await new Promise((resolve) => setImmediate(resolve))
    }
    lease.stop()
    const wentOn = abortedAt === null && clock >= start + 4 * leaseMs
    return { wentOn, abortedAt, reason: lease.signal.reason, toldUntil, leaseEnds }
  } finally {
    now.mock.restore()
    mock.timers.reset()
  }
}

test('a script is asked to end early enough, whatever becomes of renewals and however long its runner stands still', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(renewal, { maxLength: 25 }), freeze, times, async (renewals, frozen, set) => {
      const { abortedAt, reason, toldUntil, leaseEnds } = await simulateLease(renewals, frozen, set)
      if (reason === 'cancelled') return
      const asked = Math.min(abortedAt ?? Number.POSITIVE_INFINITY, toldUntil)
      // The grace, a look of the supervisor, and the time that KILL takes.
      const deadBy = asked + set.graceMs + watchdogIntervalMs(set.leaseMs) + Math.min(1000, set.leaseMs / 10)
      assert.ok(deadBy <= leaseEnds, `dead by ${deadBy}, the lease ends at ${leaseEnds}`)
    }),
    { numRuns: 200 },
  )
})

test('a script whose renewals are answered goes on, whatever the settings', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(renewal, { maxLength: 25 }), times, async (renewals, set) => {
      // Each takes up to a hundredth of the lease there, and as long back.
      const part = Math.min(500, set.leaseMs / 100) / 6000
      const prompt = renewals.map(({ thereMs, backMs }) => ({
        ...{ thereMs: thereMs * part, backMs: backMs * part },
        ...{ ends: false, cancel: false },
      }))
      assert.ok((await simulateLease(prompt, null, set)).wentOn)
    }),
    { numRuns: 200 },
  )
})

test('with the usual settings it goes on though every renewal takes seconds', async () => {
  const slow = Array.from({ length: 25 }, () => ({ thereMs: 1000, backMs: 1000, ends: false, cancel: false }))
  assert.ok((await simulateLease(slow, null)).wentOn)
})

test('a cancel is heard with the next renewal', async () => {
  const { reason } = await simulateLease([{ thereMs: 5, backMs: 5, ends: false, cancel: true }], null)
  assert.equal(reason, 'cancelled')
})

test('that it is over is known also where no timer has had its turn: nothing is started then', () => {
  let clock = 1_000_000
  mock.timers.enable({ apis: ['setTimeout'] })
  const now = mock.method(performance, 'now', () => clock)
  try {
    const workshop = {
      settings: { LEASE: usual.leaseMs, KILL_GRACE: usual.graceMs },
      supervisor: { until: () => {} },
    } as unknown as RunnerContext
    const lease = startLeaseRenewal(workshop, { actionId: 1, fencingToken: 1 }, 'mark', clock)
    assert.equal(lease.isExpired(), false)
    clock += usual.leaseMs - usual.graceMs
    assert.deepEqual([lease.signal.aborted, lease.isExpired()], [false, true])
    lease.stop()
  } finally {
    now.mock.restore()
    mock.timers.reset()
  }
})
