/**
 * The short form, first half: crashes at single statements, frozen runners, forbidden writes. The invariants
 * must hold each time.
 */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Invariant } from './checker/history.ts'
import { type Crash, crashAtEach, deploymentNameFor } from './faults/crash-points.ts'
import {
  expectedOutcomes,
  holdBeforeStart,
  type Outcomes,
  tryForbiddenWrites,
} from './faults/forbidden-writes.ts'
import { freezeBetweenClaimAndStart, freezeRunner } from './faults/freeze-runner.ts'
import { deliverEventLate, deliverStatementLate, isRejected } from './faults/late-arrival.ts'
import { arriveAfterRefusal, thawAfterRefusal } from './faults/late-requests.ts'
import {
  createDeployments,
  killRunner,
  killWithWatchdog,
  waitForActionEnd,
  waitForRunner,
} from './faults/operations.ts'
import { type Cluster, startCluster } from './harness/cluster.ts'
import { cancelAction } from './harness/http-client.ts'
import { assertNoViolations, chooseSeed } from './harness/report.ts'

const seed = chooseSeed()
const crashes: Crash[] = [
  { point: 'enqueue', when: 'after' },
  { point: 'claim', when: 'after' },
  { point: 'start', when: 'before' },
  { point: 'start', when: 'after' },
  { point: 'finish', when: 'after' },
  { point: 'end of a lost action', when: 'after' },
  { point: 'retry', when: 'before' },
]

const beforePublishing: Crash = { point: 'commit of a check', when: 'after' }

let cluster: Cluster
before(async () => {
  cluster = await startCluster(seed, { LEASE: '5', KILL_GRACE: '0.5', INTERRUPTED_ACTIONS: 'retry' })
  await Promise.all([
    cluster.addServer(),
    cluster.addServer(),
    cluster.addRunner(),
    cluster.addRunner(),
    cluster.addRunner(),
  ])
  cluster.openPages(2)
  await createDeployments(cluster, [
    ...[...crashes, beforePublishing].map(deploymentNameFor),
    'frozen',
    'between',
    'wrong',
    'late-start',
    'late-output',
    'late-finish',
    'late-event',
    'orphaned',
    'refused',
    'given-up',
    'overtaken',
  ])
})
after(() => cluster?.close())

/** Checks the invariants that hold at any moment, also while other tests are still running. */
async function assertInvariantsSoFar(): Promise<void> {
  const always = new Set<Invariant>(['I1', 'I3', 'I4', 'I6'])
  assertNoViolations(
    (await cluster.check()).violations.filter(({ invariant }) => always.has(invariant)),
    seed,
  )
}

test('A program that crashes at a statement loses no action and repeats none invisibly', async () => {
  // A violation explains more than the timeout that it causes.
  const failed = await crashAtEach(cluster, crashes).then(
    () => null,
    (error: Error) => error,
  )
  await cluster.waitUntilQuiet()
  assertNoViolations((await cluster.check()).violations, seed)
  if (failed !== null) throw failed
})

test('A statement that arrives after its runner was lost is rejected', async () => {
  const points = ['start', 'output', 'finish'] as const
  const responses = await Promise.all(
    points.map((point) => deliverStatementLate(cluster, point, `late-${point}`)),
  )
  await assertInvariantsSoFar()
  for (const [at, response] of responses.entries())
    assert.ok(isRejected(response), `the late ${points[at]}: ${JSON.stringify(response)}`)
})

test('A script whose runner and watchdog are killed in one moment ends before its lease expires', async () => {
  const { action, next } = await killRunner(cluster, 'orphaned', 500, killWithWatchdog)
  await waitForActionEnd(cluster, action)
  await assertInvariantsSoFar()
  await next
  await cluster.waitUntilQuiet()
  assertNoViolations((await cluster.check()).violations, seed)
})

test('A request that reaches PostgreSQL after its client was answered or refused does not act', async () => {
  const results = {
    refused: await thawAfterRefusal(cluster, 'refused', true),
    givenUp: await thawAfterRefusal(cluster, 'given-up', false),
    overtaken: await arriveAfterRefusal(cluster, 'overtaken'),
  }
  assertNoViolations(
    (await cluster.check()).violations.filter(({ message }) =>
      /key (refused|given-up|overtaken)-/.test(message),
    ),
    seed,
  )
  assert.equal(results.refused.repeated?.outcome, 'rejected')
  assert.equal(results.overtaken.repeated?.outcome, 'rejected')
  for (const [title, { late }] of Object.entries(results))
    assert.equal(late.errorCode, 'OC002', `${title}: ${JSON.stringify(late)}`)
})

suite('Without a killed runner', { concurrency: true }, () => {
  // A frozen runner must not hold an action that another test needs, so the tests start one after the other.
  const [frozen, hasTried] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]

  test('A runner frozen between claim and start does not start an action that another runner has taken', async () => {
    await freezeBetweenClaimAndStart(cluster, 'between', frozen.resolve).finally(frozen.resolve)
    await assertInvariantsSoFar()
    const { history } = await cluster.check()
    const run = history.runs.findLast((one) => one.deployment === 'between' && one.attempt === 1)
    assert.ok(
      run !== undefined && run.fencingToken > 1,
      `the script was started with fencing token ${run?.fencingToken}`,
    )
  })

  test('A runner frozen beyond its lease loses its script before another runner takes the action', async () => {
    await hasTried.promise
    const { processesGoneMs, settledMs } = await freezeRunner(cluster, 'frozen', 8000)
    assert.ok(
      processesGoneMs !== null && processesGoneMs < settledMs,
      `processes ended after ${processesGoneMs} ms, action after ${settledMs} ms`,
    )
    await assertInvariantsSoFar()
  })

  test('An event that arrives late does not overwrite a newer one', async () => {
    await deliverEventLate(cluster, 'late-event')
    await assertInvariantsSoFar()
    const { violations } = await cluster.check()
    assertNoViolations(
      violations.filter(({ message }) => message.includes('showed late-event')),
      seed,
    )
  })

  test('The database rejects forbidden writes', async () => {
    const tried: Outcomes = {}
    const whileHeld = async () => {
      const action = await holdBeforeStart(cluster, 'wrong', 'tree 600', async (held) => {
        Object.assign(tried, await tryForbiddenWrites(cluster, held, 'before the start'))
      })
      await waitForRunner(cluster, action)
      Object.assign(tried, await tryForbiddenWrites(cluster, action, 'while it runs'))
      return action
    }
    await frozen.promise
    const action = await whileHeld().finally(hasTried.resolve)
    // An accepted write gets the time to do its harm.
    const harmful = Object.entries(tried).some(([name, outcome]) => expectedOutcomes()[name] !== outcome)
    if (harmful) await sleep(10_000)
    await assertInvariantsSoFar()
    await cancelAction(cluster.serverUrls()[0], action)
    await waitForActionEnd(cluster, action)
    Object.assign(tried, await tryForbiddenWrites(cluster, action, 'after the end'))
    await assertInvariantsSoFar()
    assert.deepEqual(tried, expectedOutcomes())
  })
})

test('A change is shown even when its runner was killed before publishing it', async () => {
  await crashAtEach(cluster, [beforePublishing])
  await cluster.waitUntilQuiet()
  assertNoViolations((await cluster.check()).violations, seed)
})
