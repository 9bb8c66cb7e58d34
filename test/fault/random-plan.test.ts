/** The short form, second half: a random plan of faults of every kind under load, then a quiet time; the invariants hold. */
import { test } from 'node:test'
import { runRandomPlan } from './faults/random-plan.ts'
import { startCluster } from './harness/cluster.ts'
import { startLoad } from './harness/load-generator.ts'
import { assertNoViolations, assertWorkDone, chooseSeed } from './harness/report.ts'

const seed = chooseSeed()

test('faults at random moments under load break no invariant', async (t) => {
  const world = await startCluster(seed, { LEASE: '5', KILL_GRACE: '0.5' })
  t.after(() => world.close())
  await Promise.all([world.server(), world.server(), world.runner(), world.runner(), world.runner()])
  world.openPages(2)
  const load = startLoad(world, {
    deployments: 6,
    clients: 4,
    pauseMs: 200,
    behaviours: ['quick', 'sleep 0.2', 'tree 1', 'tree 5', 'fail'],
  })
  const done = await runRandomPlan(world, { forMs: 14_000, pauseMs: 1500, longestMs: 7000 })
  await load.stop()
  await world.waitUntilQuiet()
  const { history, violations } = await world.check()
  t.diagnostic(
    `seed ${seed}: ${done.join(', ')}; ${history.runs.length} scripts, ${history.requests.length} requests`,
  )
  assertNoViolations(violations, seed)
  assertWorkDone(history, 5)
})
