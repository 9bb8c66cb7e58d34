/** The short form, second half: a random plan of faults of every kind under load, then a quiet time; the invariants hold. */
import { test } from 'node:test'
import { startLoad } from './rig/load.ts'
import { demandNone, demandWork, seedOfRun } from './rig/report.ts'
import { openWorld } from './rig/world.ts'
import { followPlan } from './scenarios/plan.ts'

const seed = seedOfRun()

test('faults at random moments under load break no invariant', async (t) => {
  const world = await openWorld(seed, { LEASE: '5', KILL_GRACE: '0.5' })
  t.after(() => world.close())
  await Promise.all([world.server(), world.server(), world.runner(), world.runner(), world.runner()])
  world.watch(2)
  const load = startLoad(world, {
    deployments: 6,
    clients: 4,
    pauseMs: 200,
    behaviours: ['quick', 'sleep 0.2', 'tree 1', 'tree 5', 'fail'],
  })
  const done = await followPlan(world, { forMs: 14_000, pauseMs: 1500, longestMs: 7000 })
  await load.stop()
  await world.quiet()
  const { history, violations } = await world.check()
  t.diagnostic(
    `seed ${seed}: ${done.join(', ')}; ${history.runs.length} scripts, ${history.asked.length} requests`,
  )
  demandNone(violations, seed)
  demandWork(history, 5)
})
