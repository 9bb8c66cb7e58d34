/** SIGSTOP of several runners for 5, 25 and 60 s while each runs a script. */

import { type FreezeResult, freezeRunner } from '../faults/freeze-runner.ts'
import { createDeployments } from '../faults/operations.ts'
import type { Cluster } from '../harness/cluster.ts'
import type { Scenario } from './scenario.ts'

const seconds = [5, 25, 60]
const leaseSeconds = 20
const atOnce = 12

export const runnerFrozen: Scenario = {
  title: 'SIGSTOP of a runner for 5, 25, 60 s',
  settings: { ACTION_CONCURRENCY: '1', LEASE: String(leaseSeconds) },
  servers: 1,
  runners: atOnce + 1,
  pages: 2,
  async run(cluster, scale) {
    const waves = scale(1.25)
    const names = Array.from({ length: atOnce }, (_, at) => `frozen-${at}`)
    await createDeployments(cluster, names)
    const frozen: FreezeResult[] = []
    for (let wave = 0; wave < waves; wave += 1) {
      const freezes = names.map((name, at) => {
        const frozenSeconds = seconds[at % seconds.length] ?? 0
        return freezeRunner(cluster, name, 1000 * frozenSeconds, frozenSeconds > leaseSeconds)
      })
      frozen.push(...(await Promise.all(freezes)))
    }
    const beyond = frozen.filter(({ processesGoneMs }) => processesGoneMs !== null)
    const interrupted = frozen.filter(
      ({ processesGoneMs, state }) => processesGoneMs === null && state === 'interrupted',
    )
    const staleWriteAttempts = beyond.reduce((sum, one) => sum + one.staleWriteAttempts, 0)
    return {
      rounds: `${frozen.length}, ${beyond.length} beyond the lease`,
      measurements: [
        {
          name: 'script tree ended',
          budgetMs: 21_000,
          timesMs: beyond.flatMap(({ processesGoneMs }) => processesGoneMs ?? []),
        },
        { name: 'action ended', budgetMs: null, timesMs: beyond.map(({ settledMs }) => settledMs) },
      ],
      counts: [
        { name: 'interrupted although frozen within the lease', count: interrupted.length, expected: 0 },
        { name: 'stale writes tried', count: staleWriteAttempts, expected: { atLeast: 1 } },
        { name: 'stale writes accepted', count: await countStaleWrites(cluster), expected: 0 },
      ],
    }
  },
}

/** The report of the checker names the writes; the table shows their number. */
async function countStaleWrites(cluster: Cluster): Promise<number> {
  const { violations } = await cluster.check()
  return violations.filter(({ invariant }) => invariant === 'I4').length
}
