/**
 * A runner loses the connection to one datastore. Without PostgreSQL its script must end in time; without
 * Redis nothing may change.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  createDeployments,
  startAction,
  waitForActionEnd,
  waitForProcessesGone,
  waitForRunner,
} from '../faults/operations.ts'
import { nowMs } from '../harness/clock.ts'
import type { Scenario } from './scenario.ts'

export const networkPartition: Scenario = {
  title: 'a runner without one datastore',
  settings: { ACTION_CONCURRENCY: '2' },
  servers: 1,
  runners: 4,
  pages: 2,
  async run(cluster, scale) {
    const rounds = scale(1)
    const withoutPostgres = ['cut-0', 'cut-1', 'cut-2']
    const withoutRedis = ['cut-3', 'cut-4']
    await createDeployments(cluster, [...withoutPostgres, ...withoutRedis])
    const processesEndedMs: number[] = []
    const actionEndedMs: number[] = []
    const states: string[] = []
    for (let round = 0; round < rounds; round += 1) {
      await Promise.all([
        ...withoutPostgres.map(async (name) => {
          const action = await startAction(cluster, name, 'update', 'tree 600')
          const runner = await waitForRunner(cluster, action)
          const atMs = nowMs()
          runner.postgres.freeze()
          processesEndedMs.push((await waitForProcessesGone(cluster, action)) - atMs)
          actionEndedMs.push((await waitForActionEnd(cluster, action)).atMs - atMs)
          runner.postgres.thaw()
        }),
        ...withoutRedis.map(async (name) => {
          await sleep(2000)
          const action = await startAction(cluster, name, 'update', 'sleep 8')
          const runner = await waitForRunner(cluster, action)
          runner.redis.freeze()
          states.push((await waitForActionEnd(cluster, action)).state)
          runner.redis.thaw()
        }),
      ])
    }
    const unexpected = states.filter((state) => state !== 'succeeded')
    return {
      rounds: `${processesEndedMs.length} without PostgreSQL, ${states.length} without Redis`,
      measurements: [
        { name: 'without PostgreSQL: script tree ended', budgetMs: 21_000, timesMs: processesEndedMs },
        {
          name: 'without PostgreSQL: action ended',
          budgetMs: 40_000,
          percentile: 'p99',
          timesMs: actionEndedMs,
        },
      ],
      counts: [
        {
          name: `without Redis: states other than succeeded ${unexpected.join(', ')}`.trim(),
          count: unexpected.length,
          expected: 0,
        },
      ],
    }
  },
}
