/** kill -9 of runners at random moments of a script: measures when its processes and its action end. */

import {
  createDeployments,
  killRunner,
  waitForActionEnd,
  waitForProcessesGone,
} from '../faults/operations.ts'
import type { Cluster } from '../harness/cluster.ts'
import type { Scenario } from './scenario.ts'

/** This many runners are killed at the same time, each with a script. One more recovers their actions. */
const atOnce = 8

export const runnerKilled: Scenario = {
  title: 'kill -9 of a runner',
  settings: { ACTION_CONCURRENCY: '1' },
  servers: 1,
  runners: atOnce + 1,
  pages: 2,
  async run(cluster, scale) {
    const rounds = scale(50)
    const processesEndedMs: number[] = []
    const actionEndedMs: number[] = []
    const names = Array.from({ length: atOnce }, (_, at) => `killed-${at}`)
    await createDeployments(cluster, names)
    for (let round = 0; round < rounds; round += atOnce) {
      await Promise.all(
        names.map(async (name) => {
          const { processesMs, actionMs } = await measureKill(cluster, name)
          processesEndedMs.push(processesMs)
          actionEndedMs.push(actionMs)
        }),
      )
    }
    return {
      rounds: `${processesEndedMs.length}`,
      measurements: [
        { name: 'script tree ended', budgetMs: 6000, timesMs: processesEndedMs },
        { name: 'action ended', budgetMs: 40_000, percentile: 'p99', timesMs: actionEndedMs },
      ],
    }
  },
}

async function measureKill(
  cluster: Cluster,
  name: string,
): Promise<{ processesMs: number; actionMs: number }> {
  const { action, killedMs, next } = await killRunner(cluster, name, cluster.random.between(0, 1000))
  const [processesEnded, actionEnded] = await Promise.all([
    waitForProcessesGone(cluster, action),
    waitForActionEnd(cluster, action),
    next,
  ])
  return { processesMs: processesEnded - killedMs, actionMs: actionEnded.atMs - killedMs }
}
