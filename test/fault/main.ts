/**
 * `npm run test:fault`: the long form of the fault tests. Runs each scenario on a cluster of its own, waits
 * until it is quiet, and checks the invariants. Prints the seed and the measured times with their budgets.
 * Exits with 1 when an invariant is violated or a count is unexpected, never because of a time. `npm run
 * test:fault -- killed Redis` runs the scenarios with one of these words in their title. ROUNDS=3 multiplies
 * the rounds.
 */
import { readFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { exitOnHelp } from '../../lib/node/help.ts'
import { invariants } from './checker/check.ts'
import type { Violation } from './checker/history.ts'
import { startCluster } from './harness/cluster.ts'
import { chooseSeed, formatViolations } from './harness/report.ts'
import { checksBesideActions } from './scenarios/checks-beside-actions.ts'
import { connectionReset } from './scenarios/connection-reset.ts'
import { crashPoints, randomPlan } from './scenarios/crash-points.ts'
import { lateRequests } from './scenarios/late-requests.ts'
import { misbehavingScripts } from './scenarios/misbehaving-scripts.ts'
import { networkPartition } from './scenarios/network-partition.ts'
import { postgresOutage } from './scenarios/postgres-outage.ts'
import { redisOutage } from './scenarios/redis-outage.ts'
import { rollingRestart } from './scenarios/rolling-restart.ts'
import { runnerFrozen } from './scenarios/runner-frozen.ts'
import { runnerKilled, watchdogKilled } from './scenarios/runner-killed.ts'
import { scale } from './scenarios/scale.ts'
import { type Count, percentile, type Scenario, type ScenarioResult } from './scenarios/scenario.ts'
import { secondPushes } from './scenarios/second-pushes.ts'
import { serverFrozen } from './scenarios/servers/server-frozen.ts'
import { serverKilled } from './scenarios/servers/server-killed.ts'
import { sessions } from './scenarios/servers/sessions.ts'

exitOnHelp(`npm run test:fault [-- WORD...]

Runs the fault scenarios whose title contains one of the words, or all of them, and checks the invariants.
SEED=N repeats a run. ROUNDS=N multiplies the rounds. STORES=pgbouncer,redis-user puts a transaction pooler before
PostgreSQL and gives the programs only the documented rights in Redis.`)

const scenarios: Scenario[] = [
  crashPoints,
  runnerKilled,
  watchdogKilled,
  checksBesideActions,
  runnerFrozen,
  networkPartition,
  redisOutage,
  postgresOutage,
  serverKilled,
  serverFrozen,
  connectionReset,
  lateRequests,
  rollingRestart,
  secondPushes,
  misbehavingScripts,
  sessions,
  scale,
  randomPlan,
]

const seed = chooseSeed()
const factor = Number(process.env.ROUNDS ?? 1)
const filters = process.argv.slice(2)
const chosen = scenarios.filter(
  ({ title }) => filters.length === 0 || filters.some((filter) => title.includes(filter)),
)
if (chosen.length === 0)
  throw new Error(`no scenario has one of these words in its title: ${filters.join(', ')}`)

console.log(
  `seed ${seed} (SEED=${seed} repeats it), rounds × ${factor}, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}, ` +
    `Node ${process.version}, memory ${/MemTotal:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]} kB`,
)
console.log(
  '\n| fault | rounds | measured | p50 | p99 | max | budget | met |\n| --- | --- | --- | --- | --- | --- | --- | --- |',
)

const startedAt = performance.now()
const violated: Record<string, Violation[]> = {}
const problems: string[] = []
for (const scenario of chosen) await runSafely(scenario.title, () => runScenario(scenario))

console.log('\n| invariant | violations |\n| --- | --- |')
const violations = Object.values(violated).flat()
for (const [name, description] of Object.entries(invariants))
  console.log(
    `| ${name}: ${description} | ${violations.filter(({ invariant }) => invariant === name).length} |`,
  )
console.log(
  `\n${chosen.length} scenarios in ${((performance.now() - startedAt) / 60_000).toFixed(1)} min, load at the end ${loadavg()[0]?.toFixed(1)}`,
)
for (const [title, found] of Object.entries(violated)) {
  if (found.length > 0) console.error(`\n${title}: ${formatViolations(found, seed)}`)
}
for (const problem of problems) console.error(problem)
process.exit(violations.length > 0 || problems.length > 0 ? 1 : 0)

async function runScenario(scenario: Scenario): Promise<void> {
  const { title, settings, servers, runners, pages, run } = scenario
  const cluster = await startCluster(seed, { INTERRUPTED_ACTIONS: 'fail', ...settings })
  const scaleRounds = (rounds: number) => Math.max(1, Math.round(rounds * factor))
  let result: ScenarioResult = { rounds: 'not finished', measurements: [] }
  try {
    await runSafely(title, async () => {
      await Promise.all([
        ...Array.from({ length: servers }, () => cluster.addServer()),
        ...Array.from({ length: runners }, () => cluster.addRunner()),
      ])
      cluster.openPages(pages)
      result = await run(cluster, scaleRounds)
    })
    // A scenario that failed is checked too.
    await cluster.waitUntilQuiet(120_000)
    violated[title] = (await cluster.check()).violations
  } finally {
    print(title, result)
    await cluster.close()
  }
}

/** An error in one scenario fails the run, but the other scenarios still run. */
async function runSafely(title: string, work: () => Promise<void>): Promise<void> {
  await work().catch((error: Error) => {
    problems.push(`${title}: ${error.stack ?? error.message}`)
    console.error(`${title}: ${error.message}`)
  })
}

function print(title: string, { rounds, measurements, counts = [] }: ScenarioResult): void {
  for (const { name, budgetMs, timesMs, percentile: judgedBy = 'max' } of measurements) {
    const [p50, p99, max] = [0.5, 0.99, 1].map((share) => percentile(timesMs, share))
    const budget = budgetMs === null ? '' : `${formatSeconds(budgetMs)}${judgedBy === 'p99' ? ' (p99)' : ''}`
    const judged = (judgedBy === 'p99' ? p99 : max) ?? Number.NaN
    const met = budgetMs === null || timesMs.length === 0 ? '' : judged <= budgetMs ? 'yes' : 'NO'
    console.log(
      `| ${title} | ${rounds} | ${name} | ${formatSeconds(p50)} | ${formatSeconds(p99)} | ${formatSeconds(max)} | ${budget} | ${met} |`,
    )
  }
  for (const count of counts) {
    console.log(
      `| ${title} | ${rounds} | ${count.name} | ${count.count} | | | ${formatExpected(count)} | ${isAsExpected(count) ? 'yes' : 'NO'} |`,
    )
    if (!isAsExpected(count))
      problems.push(`${title}: ${count.name} is ${count.count}, it must be ${formatExpected(count)}`)
  }
  if (measurements.length + counts.length === 0) console.log(`| ${title} | ${rounds} | | | | | | |`)
}

function isAsExpected({ count, expected }: Count): boolean {
  return expected === 0 ? count === 0 : count >= expected.atLeast
}

function formatExpected({ expected }: Count): string {
  return expected === 0 ? '0' : `at least ${expected.atLeast}`
}

function formatSeconds(ms: number | undefined): string {
  return ms === undefined || Number.isNaN(ms) ? '' : `${(ms / 1000).toFixed(2)} s`
}
