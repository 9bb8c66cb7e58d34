/**
 * Checks that take a second and a half, due every second, beside actions and all faults: none may run at the same time
 * as the script of an action of its deployment, or as another check of it.
 */
import { writeFile } from 'node:fs/promises'
import { findCheckOverlaps } from '../checker/check-overlap.ts'
import { runRandomPlan } from '../faults/random-plan.ts'
import { startLoad } from '../harness/load-generator.ts'
import { assertWorkDone } from '../harness/report.ts'
import type { Scenario } from './scenario.ts'

export const checksBesideActions: Scenario = {
  title: 'checks beside actions',
  settings: { CHECK_INTERVAL: '1', LEASE: '5', KILL_GRACE: '0.5' },
  servers: 2,
  runners: 3,
  pages: 2,
  async run(cluster, scale) {
    await writeFile(cluster.scriptFile('check-seconds'), '1.5\n')
    const load = startLoad(cluster, {
      deployments: 6,
      clients: 4,
      pauseMs: 1000,
      behaviours: ['quick', 'sleep 1', 'tree 2'],
    })
    const faults = await runRandomPlan(cluster, { forMs: 60_000 * scale(1), pauseMs: 1500, maxMs: 7000 })
    await load.stop()
    await cluster.waitUntilQuiet()
    const { history } = await cluster.check()
    assertWorkDone(history, 10)
    const { besideActionsMs, besideChecksMs } = findCheckOverlaps(history)
    return {
      rounds: `${faults.length} faults, ${history.runs.length} scripts, ${history.checks.length} checks`,
      measurements: [
        { name: 'a check beside the script of an action', budgetMs: 0, timesMs: besideActionsMs },
        { name: 'a check beside another check', budgetMs: 0, timesMs: besideChecksMs },
      ].filter(({ timesMs }) => timesMs.length > 0),
      counts: [
        { name: 'checks', count: history.checks.length, expected: { atLeast: 10 } },
        { name: 'checks beside the script of an action', count: besideActionsMs.length, expected: 0 },
        { name: 'checks beside another check', count: besideChecksMs.length, expected: 0 },
      ],
    }
  },
}
