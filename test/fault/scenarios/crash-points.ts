/** The long form of crash-points.ts and random-plan.ts: a crash before and after every statement that counts; a random plan of all faults. */

import { allCrashes, type Crash, crashAtEach, deploymentNameFor } from '../faults/crash-points.ts'
import { createDeployments } from '../faults/operations.ts'
import { runRandomPlan } from '../faults/random-plan.ts'
import { nowMs } from '../harness/clock.ts'
import { startLoad } from '../harness/load-generator.ts'
import { assertWorkDone } from '../harness/report.ts'
import type { Scenario } from './scenario.ts'

export const crashPoints: Scenario = {
  title: 'a crash at every step',
  environment: { LEASE: '5', KILL_GRACE: '1', INTERRUPTED_ACTIONS: 'retry' },
  servers: 2,
  runners: 3,
  pages: 2,
  async run(cluster, times) {
    const rounds = times(1)
    const tookMs: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      // The rows of the round before stay for the check.
      const nameIn = (crash: Crash) => `r${round}-${deploymentNameFor(crash)}`
      await createDeployments(cluster, allCrashes.map(nameIn))
      const atMs = nowMs()
      await crashAtEach(cluster, allCrashes, nameIn)
      tookMs.push(nowMs() - atMs)
      await cluster.waitUntilQuiet()
    }
    return {
      rounds: `${rounds} of ${allCrashes.length} crashes`,
      measurements: [{ what: 'all crashed, all ended', budgetMs: null, timesMs: tookMs }],
    }
  },
}

export const randomPlan: Scenario = {
  title: 'a random plan of all faults under load',
  servers: 2,
  runners: 4,
  pages: 4,
  async run(cluster, times) {
    const seconds = times(100)
    const load = startLoad(cluster, {
      deployments: 30,
      clients: 10,
      pauseMs: 300,
      behaviours: ['quick', 'sleep 0.5', 'tree 2', 'tree 15', 'fail'],
    })
    const done = await runRandomPlan(cluster, { forMs: seconds * 1000, pauseMs: 5000, longestMs: 28_000 })
    await load.stop()
    assertWorkDone((await cluster.check()).history, seconds)
    return {
      rounds: `${done.length} faults in ${seconds} s, ${cluster.requests.length} requests`,
      measurements: [],
    }
  },
}
