/** A runner cut off from one store only: from PostgreSQL its script ends in time; from Redis nobody notices. */
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
  title: 'a runner cut off from one store',
  environment: { ACTION_CONCURRENCY: '2' },
  servers: 1,
  runners: 4,
  pages: 2,
  async run(cluster, times) {
    const rounds = times(1)
    const fromPostgres = ['cut-0', 'cut-1', 'cut-2']
    const fromRedis = ['cut-3', 'cut-4']
    await createDeployments(cluster, [...fromPostgres, ...fromRedis])
    const goneMs: number[] = []
    const settledMs: number[] = []
    const ends: string[] = []
    for (let round = 0; round < rounds; round += 1) {
      await Promise.all([
        ...fromPostgres.map(async (name) => {
          const action = await startAction(cluster, name, 'update', 'tree 600')
          const holder = await waitForRunner(cluster, action)
          const atMs = nowMs()
          holder.postgres.freeze()
          goneMs.push((await waitForProcessesGone(cluster, action)) - atMs)
          settledMs.push((await waitForActionEnd(cluster, action)).atMs - atMs)
          holder.postgres.thaw()
        }),
        ...fromRedis.map(async (name) => {
          await sleep(2000)
          const action = await startAction(cluster, name, 'update', 'sleep 8')
          const holder = await waitForRunner(cluster, action)
          holder.redis.freeze()
          ends.push((await waitForActionEnd(cluster, action)).state)
          holder.redis.thaw()
        }),
      ])
    }
    const disturbed = ends.filter((state) => state !== 'succeeded')
    return {
      rounds: `${goneMs.length} from PostgreSQL, ${ends.length} from Redis`,
      measurements: [
        { what: 'cut off from PostgreSQL: script tree gone', budgetMs: 21_000, timesMs: goneMs },
        { what: 'cut off from PostgreSQL: action settled', budgetMs: 40_000, of: 'p99', timesMs: settledMs },
      ],
      counts: [
        {
          name: `cut off from Redis: ends other than succeeded ${disturbed.join(', ')}`.trim(),
          count: disturbed.length,
          expected: 0,
        },
      ],
    }
  },
}
