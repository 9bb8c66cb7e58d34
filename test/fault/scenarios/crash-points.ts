/**
 * Long forms of the two short tests: a crash before and after every crash point, and a long random plan of
 * all faults.
 */

import { allCrashes, type Crash, crashAtEach, deploymentNameFor } from '../faults/crash-points.ts'
import { createDeployments } from '../faults/operations.ts'
import { runRandomPlan } from '../faults/random-plan.ts'
import { nowMs } from '../harness/clock.ts'
import { startLoad } from '../harness/load-generator.ts'
import { assertWorkDone } from '../harness/report.ts'
import type { Scenario } from './scenario.ts'

export const crashPoints: Scenario = {
  title: 'a crash at every crash point',
  settings: { LEASE: '5', KILL_GRACE: '1', INTERRUPTED_ACTIONS: 'retry' },
  servers: 2,
  runners: 3,
  pages: 2,
  async run(cluster, scale) {
    const rounds = scale(1)
    const tookMs: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      // The rows of earlier rounds stay for the checker.
      const nameFor = (crash: Crash) => `r${round}-${deploymentNameFor(crash)}`
      await createDeployments(cluster, allCrashes.map(nameFor))
      const atMs = nowMs()
      await crashAtEach(cluster, allCrashes, nameFor)
      tookMs.push(nowMs() - atMs)
      await cluster.waitUntilQuiet()
    }
    return {
      rounds: `${rounds} of ${allCrashes.length} crashes`,
      measurements: [{ name: 'all crashed and all actions ended', budgetMs: null, timesMs: tookMs }],
    }
  },
}

export const randomPlan: Scenario = {
  title: 'a random plan of all faults under load',
  servers: 2,
  runners: 4,
  pages: 4,
  async run(cluster, scale) {
    const seconds = scale(100)
    const load = startLoad(cluster, {
      deployments: 30,
      clients: 10,
      pauseMs: 300,
      behaviours: ['quick', 'sleep 0.5', 'tree 2', 'tree 15', 'fail'],
    })
    const done = await runRandomPlan(cluster, { forMs: seconds * 1000, pauseMs: 5000, maxMs: 28_000 })
    await load.stop()
    assertWorkDone((await cluster.check()).history, seconds)
    return {
      rounds: `${done.length} faults in ${seconds} s, ${cluster.requests.length} requests`,
      measurements: [],
    }
  },
}
