/**
 * kill -9 of runners at random moments of a script, alone or together with their watchdogs: measures when the processes
 * of the script and its action end.
 */

import {
  createDeployments,
  killRunner,
  killWithWatchdog,
  waitForActionEnd,
  waitForProcessesGone,
} from '../faults/operations.ts'
import type { Cluster } from '../harness/cluster.ts'
import type { Program } from '../harness/programs.ts'
import type { Scenario, ScenarioResult } from './scenario.ts'

/** This many runners are killed at the same time, each with a script. One more recovers their actions. */
const atOnce = 8

export const runnerKilled: Scenario = {
  title: 'kill -9 of a runner',
  settings: { ACTION_CONCURRENCY: '1' },
  servers: 1,
  runners: atOnce + 1,
  pages: 2,
  run: (cluster, scale) => killRunners(cluster, scale(50), 6000),
}

/** Another runner of the machine must end the script: it begins to search when a third of the lease is over. */
export const watchdogKilled: Scenario = {
  title: 'kill -9 of a runner and its watchdog',
  settings: { ACTION_CONCURRENCY: '1' },
  servers: 1,
  runners: atOnce + 1,
  pages: 2,
  run: (cluster, scale) => killRunners(cluster, scale(25), 18_000, killWithWatchdog),
}

async function killRunners(
  cluster: Cluster,
  rounds: number,
  budgetMs: number,
  kill?: (runner: Program) => void,
): Promise<ScenarioResult> {
  const processesEndedMs: number[] = []
  const actionEndedMs: number[] = []
  const names = Array.from({ length: atOnce }, (_, at) => `killed-${at}`)
  await createDeployments(cluster, names)
  for (let round = 0; round < rounds; round += atOnce) {
    await Promise.all(
      names.map(async (name) => {
        const { processesMs, actionMs } = await measureKill(cluster, name, kill)
        processesEndedMs.push(processesMs)
        actionEndedMs.push(actionMs)
      }),
    )
  }
  return {
    rounds: `${processesEndedMs.length}`,
    measurements: [
      { name: 'script tree ended', budgetMs, timesMs: processesEndedMs },
      { name: 'action ended', budgetMs: 40_000, percentile: 'p99', timesMs: actionEndedMs },
    ],
  }
}

async function measureKill(
  cluster: Cluster,
  name: string,
  kill?: (runner: Program) => void,
): Promise<{ processesMs: number; actionMs: number }> {
  const { action, killedMs, next } = await killRunner(cluster, name, cluster.random.between(0, 1000), kill)
  const [processesEnded, actionEnded] = await Promise.all([
    waitForProcessesGone(cluster, action),
    waitForActionEnd(cluster, action),
    next,
  ])
  return { processesMs: processesEnded - killedMs, actionMs: actionEnded.atMs - killedMs }
}
