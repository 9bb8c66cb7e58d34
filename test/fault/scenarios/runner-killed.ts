/** kill -9 of runners at random moments of a script: how long its processes live on, and until its action is settled. */

import {
  createDeployments,
  killRunner,
  waitForActionEnd,
  waitForProcessesGone,
} from '../faults/operations.ts'
import type { Cluster } from '../harness/cluster.ts'
import type { Scenario } from './scenario.ts'

/** So many runners with a script each are killed side by side; one more is there to sweep. */
const atOnce = 8

export const runnerKilled: Scenario = {
  title: 'kill -9 of a runner',
  environment: { ACTION_CONCURRENCY: '1' },
  servers: 1,
  runners: atOnce + 1,
  pages: 2,
  async run(cluster, times) {
    const rounds = times(50)
    const goneMs: number[] = []
    const settledMs: number[] = []
    const names = Array.from({ length: atOnce }, (_, at) => `killed-${at}`)
    await createDeployments(cluster, names)
    for (let round = 0; round < rounds; round += atOnce) {
      await Promise.all(
        names.map(async (name) => {
          const { gone, settled } = await killHolder(cluster, name)
          goneMs.push(gone)
          settledMs.push(settled)
        }),
      )
    }
    return {
      rounds: `${goneMs.length}`,
      measurements: [
        { what: 'script tree gone', budgetMs: 6000, timesMs: goneMs },
        { what: 'action settled', budgetMs: 40_000, of: 'p99', timesMs: settledMs },
      ],
    }
  },
}

async function killHolder(cluster: Cluster, name: string): Promise<{ gone: number; settled: number }> {
  const { action, killedMs, next } = await killRunner(cluster, name, cluster.random.between(0, 1000))
  const [gone, settled] = await Promise.all([
    waitForProcessesGone(cluster, action),
    waitForActionEnd(cluster, action),
    next,
  ])
  return { gone: gone - killedMs, settled: settled.atMs - killedMs }
}
