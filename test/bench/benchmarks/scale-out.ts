/** Two servers and two runners against one of each, with actions that sleep: only the database is shared. */
import type { Bench } from '../harness/bench.ts'
import { sleepingChecks, startRunnerWithBlockedCheck } from '../harness/blocked-check.ts'
import { writeControlScripts } from '../harness/control-scripts.ts'
import { archive, createFixture } from '../harness/fixture.ts'
import { startServer, type WebProgram } from '../harness/programs.ts'
import { formatRate, type Result } from '../harness/results.ts'
import { seed } from '../harness/seed.ts'
import type { HttpRequest } from '../load-generator/tasks.ts'

/** Requests in progress at the same time: twice as many as one runner executes by default. */
const lanes = 64
const ms = 8000

export async function scaleOut(bench: Bench): Promise<Result[]> {
  const { octopod } = await createFixture(bench)
  const names = await seed(octopod.databaseUrl, { count: 400, status: 'ArchivePending' })
  const scripts = writeControlScripts(bench, { ...sleepingChecks, archive: 'exec sleep 1' })
  const requests = names.map(archive)
  const half = requests.length / 2
  const run = async ({ origin, eventsUrl }: WebProgram, requests: HttpRequest[]) =>
    (await bench.load.run('actionThroughput', { origin, events: eventsUrl, requests, lanes, ms })).perSecond

  const first = await startServer(bench, octopod)
  await startRunnerWithBlockedCheck(bench, octopod, scripts)
  const alone = await run(first, requests.slice(0, half))

  const second = await startServer(bench, octopod)
  await startRunnerWithBlockedCheck(bench, octopod, scripts)
  const rates = await Promise.all([run(first, requests.slice(0, half)), run(second, requests.slice(half))])
  const together = rates.reduce((sum, rate) => sum + rate)
  const ratio = together / alone
  return [
    {
      row: 'scale',
      description: 'two servers and runners (baseline: one of each), actions that sleep 1 s',
      octopod: formatRate(together),
      baseline: formatRate(alone),
      ratio,
      target: '>= 1.6',
      met: ratio >= 1.6,
    },
  ]
}
