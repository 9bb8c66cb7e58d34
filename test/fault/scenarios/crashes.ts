/** The long form of steps.ts and plan.ts: a crash before and after every statement that counts; a random plan of all faults. */
import { nowMs } from '../rig/clock.ts'
import { startLoad } from '../rig/load.ts'
import { demandWork } from '../rig/report.ts'
import { make } from './moves.ts'
import { followPlan } from './plan.ts'
import type { Scenario } from './scenario.ts'
import { allCrashes, type Crash, crashAt, nameOf } from './steps.ts'

export const everyStep: Scenario = {
  title: 'a crash at every step',
  environment: { LEASE: '5', KILL_GRACE: '1', INTERRUPTED_ACTIONS: 'retry' },
  servers: 2,
  runners: 3,
  pages: 2,
  async run(world, times) {
    const rounds = times(1)
    const tookMs: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      // The rows of the round before stay for the check.
      const nameIn = (crash: Crash) => `r${round}-${nameOf(crash)}`
      await make(world, allCrashes.map(nameIn))
      const atMs = nowMs()
      await crashAt(world, allCrashes, nameIn)
      tookMs.push(nowMs() - atMs)
      await world.quiet()
    }
    return {
      rounds: `${rounds} of ${allCrashes.length} crashes`,
      figures: [{ what: 'all crashed, all ended', budgetMs: null, timesMs: tookMs }],
    }
  },
}

export const randomPlan: Scenario = {
  title: 'a random plan of all faults under load',
  servers: 2,
  runners: 4,
  pages: 4,
  async run(world, times) {
    const seconds = times(100)
    const load = startLoad(world, {
      deployments: 30,
      clients: 10,
      pauseMs: 300,
      behaviours: ['quick', 'sleep 0.5', 'tree 2', 'tree 15', 'fail'],
    })
    const done = await followPlan(world, { forMs: seconds * 1000, pauseMs: 5000, longestMs: 28_000 })
    await load.stop()
    demandWork((await world.check()).history, seconds)
    return {
      rounds: `${done.length} faults in ${seconds} s, ${world.asked.length} requests`,
      figures: [],
    }
  },
}
