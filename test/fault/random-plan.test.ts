/**
 * The short form, second half: a random plan of faults of every kind under load. The invariants must hold
 * afterwards.
 */
import { test } from 'node:test'
import { runRandomPlan } from './faults/random-plan.ts'
import { startCluster } from './harness/cluster.ts'
import { startLoad } from './harness/load-generator.ts'
import { assertNoViolations, assertWorkDone, chooseSeed } from './harness/report.ts'

const seed = chooseSeed()

test('Random faults under load violate no invariant', async (t) => {
  const cluster = await startCluster(seed, { LEASE: '5', KILL_GRACE: '0.5' })
  t.after(() => cluster.close())
  await Promise.all([
    cluster.addServer(),
    cluster.addServer(),
    cluster.addRunner(),
    cluster.addRunner(),
    cluster.addRunner(),
  ])
  cluster.openPages(2)
  const load = startLoad(cluster, {
    deployments: 6,
    clients: 4,
    pauseMs: 200,
    behaviours: ['quick', 'sleep 0.2', 'tree 1', 'tree 5', 'fail'],
  })
  const done = await runRandomPlan(cluster, { forMs: 14_000, pauseMs: 1500, maxMs: 7000 })
  await load.stop()
  await cluster.waitUntilQuiet()
  const { history, violations } = await cluster.check()
  t.diagnostic(
    `seed ${seed}: ${done.join(', ')}; ${history.runs.length} scripts, ${history.requests.length} requests`,
  )
  assertNoViolations(violations, seed)
  assertWorkDone(history, 5)
})
