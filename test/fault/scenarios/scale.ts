/** 8 runners, 2 servers and 200 deployments: every accepted action runs once and starts soon. */

import { startDelays } from '../faults/probe.ts'
import { nowMs } from '../harness/clock.ts'
import { startLoad } from '../harness/load-generator.ts'
import { assertWorkDone } from '../harness/report.ts'
import { percentile, type Scenario } from './scenario.ts'

export const scale: Scenario = {
  title: '8 runners, 200 deployments',
  settings: { ACTION_CONCURRENCY: '4' },
  servers: 2,
  runners: 8,
  pages: 4,
  async run(cluster, scale) {
    const actions = scale(1600)
    const fromMs = nowMs()
    const load = startLoad(cluster, {
      deployments: 200,
      clients: 40,
      pauseMs: 20,
      behaviours: ['quick'],
      cancelPercent: 0,
      limit: actions,
    })
    await load.done
    await cluster.waitUntilQuiet(180_000)
    const { history } = await cluster.check()
    assertWorkDone(history, actions / 2)
    const delays = (await startDelays(cluster, nowMs())).map(({ delayMs }) => delayMs)
    const seconds = (nowMs() - fromMs) / 1000
    const accepted = cluster.requests.filter(({ responses }) =>
      responses.some(({ outcome }) => outcome === 'accepted'),
    ).length
    return {
      rounds: `${cluster.requests.length} requests, ${accepted} accepted, ${history.runs.length} scripts in ${seconds.toFixed(0)} s; p50 ${percentile(delays, 0.5)} ms`,
      measurements: [
        { name: 'from acceptance to the start of the script', budgetMs: 30_000, timesMs: delays },
      ],
    }
  },
}
