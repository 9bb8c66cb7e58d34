/** SIGSTOP of runners for 5, 25 and 60 s in the middle of a script, many side by side, each with a script of its own. */

import { type FreezeResult, freezeRunner } from '../faults/freeze-runner.ts'
import { createDeployments } from '../faults/operations.ts'
import type { Cluster } from '../harness/cluster.ts'
import type { Scenario } from './scenario.ts'

const seconds = [5, 25, 60]
const leaseSeconds = 20
const atOnce = 12

export const runnerFrozen: Scenario = {
  title: 'SIGSTOP of a runner for 5, 25, 60 s',
  environment: { ACTION_CONCURRENCY: '1', LEASE: String(leaseSeconds) },
  servers: 1,
  runners: atOnce + 1,
  pages: 2,
  async run(cluster, times) {
    const waves = times(1.25)
    const names = Array.from({ length: atOnce }, (_, at) => `frozen-${at}`)
    await createDeployments(cluster, names)
    const frozen: FreezeResult[] = []
    for (let wave = 0; wave < waves; wave += 1) {
      const wakes = names.map((name, at) => {
        const long = seconds[at % seconds.length] ?? 0
        return freezeRunner(cluster, name, 1000 * long, long > leaseSeconds)
      })
      frozen.push(...(await Promise.all(wakes)))
    }
    const beyond = frozen.filter(({ processesGoneMs }) => processesGoneMs !== null)
    const interrupted = frozen.filter(
      ({ processesGoneMs, state }) => processesGoneMs === null && state === 'interrupted',
    )
    const staleTried = beyond.reduce((sum, one) => sum + one.staleWriteAttempts, 0)
    return {
      rounds: `${frozen.length}, of them ${beyond.length} beyond the lease`,
      measurements: [
        {
          what: 'script tree gone',
          budgetMs: 21_000,
          timesMs: beyond.flatMap(({ processesGoneMs }) => processesGoneMs ?? []),
        },
        { what: 'action settled', budgetMs: null, timesMs: beyond.map(({ settledMs }) => settledMs) },
      ],
      counts: [
        { name: 'frozen within the lease, and interrupted', count: interrupted.length, expected: 0 },
        { name: 'stale writes tried', count: staleTried, expected: { atLeast: 1 } },
        { name: 'stale writes accepted', count: await staleWrites(cluster), expected: 0 },
      ],
    }
  },
}

/** The checker says which; this is the count for the table. */
async function staleWrites(cluster: Cluster): Promise<number> {
  const { violations } = await cluster.check()
  return violations.filter(({ invariant }) => invariant === 'I4').length
}
