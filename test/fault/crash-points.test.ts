/** The short form, first half: crashes at single steps, a frozen runner, wrong writes; each time the invariants hold. */
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
import { createDeployments, waitForActionEnd, waitForRunner } from './faults/operations.ts'
import { type Cluster, startCluster } from './harness/cluster.ts'
import { cancelAction } from './harness/http-client.ts'
import { assertNoViolations, chooseSeed } from './harness/report.ts'

const seed = chooseSeed()
const crashes: Crash[] = [
  { point: 'begin', when: 'after' },
  { point: 'claim', when: 'after' },
  { point: 'start', when: 'before' },
  { point: 'start', when: 'after' },
  { point: 'finish', when: 'after' },
  { point: 'end of the lost', when: 'after' },
  { point: 'retry', when: 'before' },
]

const lastWords: Crash = { point: 'commit of a check', when: 'after' }

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
    ...[...crashes, lastWords].map(deploymentNameFor),
    'frozen',
    'between',
    'wrong',
    'late-start',
    'late-output',
    'late-finish',
    'told-late',
  ])
})
after(() => cluster?.close())

/** What must hold at any moment, also while others are still at work. */
async function holdsSoFar(): Promise<void> {
  const always = new Set<Invariant>(['I1', 'I3', 'I4', 'I6'])
  assertNoViolations(
    (await cluster.check()).violations.filter(({ invariant }) => always.has(invariant)),
    seed,
  )
}

test('a program that crashes at a step loses nothing and repeats nothing unseen', async () => {
  // A violation says more than what could not be waited for because of it.
  const failed = await crashAtEach(cluster, crashes).then(
    () => null,
    (error: Error) => error,
  )
  await cluster.waitUntilQuiet()
  assertNoViolations((await cluster.check()).violations, seed)
  if (failed !== null) throw failed
})

test('what a runner sent before it was lost, and arrives late, is refused', async () => {
  const sent = ['start', 'output', 'finish'] as const
  const answers = await Promise.all(sent.map((step) => deliverStatementLate(cluster, step, `late-${step}`)))
  await holdsSoFar()
  for (const [at, answer] of answers.entries())
    assert.ok(isRejected(answer), `the late ${sent[at]}: ${JSON.stringify(answer)}`)
})

suite('while no runner is killed', { concurrency: true }, () => {
  // Whoever stands still must hold nothing that another one needs: each begins when the one before is so far.
  const [stands, hasTried] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]

  test('a runner that is frozen between claim and start does not start what another one has taken', async () => {
    await freezeBetweenClaimAndStart(cluster, 'between', stands.resolve).finally(stands.resolve)
    await holdsSoFar()
    const { history } = await cluster.check()
    const run = history.runs.findLast((one) => one.deployment === 'between' && one.attempt === 1)
    assert.ok(
      run !== undefined && run.fencingToken > 1,
      `the script was started with fence ${run?.fencingToken}`,
    )
  })

  test('a runner that is frozen beyond its lease loses its script before anybody takes the action', async () => {
    await hasTried.promise
    const { processesGoneMs, settledMs } = await freezeRunner(cluster, 'frozen', 8000)
    assert.ok(
      processesGoneMs !== null && processesGoneMs < settledMs,
      `gone after ${processesGoneMs} ms, settled after ${settledMs} ms`,
    )
    await holdsSoFar()
  })

  test('an event that is told late is not shown over what came after it', async () => {
    await deliverEventLate(cluster, 'told-late')
    await holdsSoFar()
    const { violations } = await cluster.check()
    assertNoViolations(
      violations.filter(({ message }) => message.includes('showed told-late')),
      seed,
    )
  })

  test('what wrong code would write is refused by the database itself', async () => {
    const tried: Outcomes = {}
    const whileHeld = async () => {
      const action = await holdBeforeStart(cluster, 'wrong', 'tree 600', async (held) => {
        Object.assign(tried, await tryForbiddenWrites(cluster, held, 'before the start'))
      })
      await waitForRunner(cluster, action)
      Object.assign(tried, await tryForbiddenWrites(cluster, action, 'while it runs'))
      return action
    }
    await stands.promise
    const action = await whileHeld().finally(hasTried.resolve)
    // What was accepted all the same is given the time to do its harm.
    const harmful = Object.entries(tried).some(([what, outcome]) => expectedOutcomes()[what] !== outcome)
    if (harmful) await sleep(10_000)
    await holdsSoFar()
    await cancelAction(cluster.serverUrls()[0], action)
    await waitForActionEnd(cluster, action)
    Object.assign(tried, await tryForbiddenWrites(cluster, action, 'after the end'))
    await holdsSoFar()
    assert.deepEqual(tried, expectedOutcomes())
  })
})

test('a change whose teller was killed before it could tell is shown all the same', async () => {
  await crashAtEach(cluster, [lastWords])
  await cluster.waitUntilQuiet()
  assertNoViolations((await cluster.check()).violations, seed)
})
