/**
 * R6 to R8: the time from the request to the first instruction of the script and to the event of its end, and
 * the actions per second. The action archives a deployment that is being archived (a retry): exactly one
 * script and no script query. No check follows, except in the row that says so.
 */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import type { Bench } from '../harness/bench.ts'
import { sleepingChecks, startRunnerWithBlockedCheck } from '../harness/blocked-check.ts'
import { writeControlScript, writeControlScripts } from '../harness/control-scripts.ts'
import { archive, createFixture, type Fixture, update } from '../harness/fixture.ts'
import { type Comparison, compareInRounds, median } from '../harness/measure.ts'
import {
  startBaselineRunner,
  startBaselineServer,
  startRunner,
  startServer,
  type WebProgram,
} from '../harness/programs.ts'
import { formatMs, formatRate, type Result } from '../harness/results.ts'
import { seed } from '../harness/seed.ts'
import type { HttpRequest } from '../load-generator/tasks.ts'

type Sides = { octopod: WebProgram; baseline: WebProgram; fixture: Fixture; scripts: string }
type Names = { archived: string[]; updated: string[] }

export async function actionPipeline(bench: Bench, selected: ReadonlySet<string>): Promise<Result[]> {
  const fixture = await createFixture(bench)
  const { databaseUrl } = fixture.octopod
  const names: Names = {
    archived: await seed(databaseUrl, { count: 200, status: 'ArchivePending', prefix: 'a' }),
    // After a failed update the next one can start at once.
    updated: await seed(databaseUrl, { count: 200, status: 'GenericFailure', prefix: 'u' }),
  }
  const scripts = writeControlScripts(bench, { ...sleepingChecks, update: 'exit 1' })
  const sides: Sides = {
    octopod: await startServer(bench, fixture.octopod),
    baseline: await startBaselineServer(bench, fixture.baseline),
    fixture,
    scripts,
  }
  const runner = await startRunnerWithBlockedCheck(bench, fixture.octopod, scripts)
  await startBaselineRunner(bench, fixture.baseline, scripts)

  const results: Result[] = []
  if (selected.has('R6') || selected.has('R7')) results.push(...(await measureLatency(bench, sides, names)))
  if (!selected.has('R8')) return results
  writeControlScript(scripts, 'archive', 'exit 0')
  const actions = await rate(bench, sides, names.archived, archive, 'archive', 3)
  results.push(rateResult('R8', 'no-op actions', 0.5, actions))
  const updates = await rate(bench, sides, names.updated, update, 'config_check+info+update', 1)
  results.push(rateResult('R8', 'updates (3 scripts each)', null, updates))

  await runner.stop()
  writeControlScript(scripts, 'archive_check', 'exit 1')
  await startRunner(bench, fixture.octopod, scripts)
  const checked = await rate(bench, sides, names.archived, archive, 'archive+archive_check', 1)
  results.push(rateResult('R8', 'no-op actions, a check after each', null, checked))
  return results
}

async function measureLatency(bench: Bench, sides: Sides, names: Names): Promise<Result[]> {
  const fifo = join(bench.folder, bench.uniqueName('called'))
  execFileSync('mkfifo', [fifo])
  writeControlScript(sides.scripts, 'archive', `echo > ${fifo}`)
  const times: Record<'octopod' | 'baseline', { first: number[]; ended: number[] }[]> = {
    octopod: [],
    baseline: [],
  }
  const accepted: number[] = []
  const measureRound = async (side: 'octopod' | 'baseline', requests: HttpRequest[]) => {
    const { origin, eventsUrl } = sides[side]
    const latency = await bench.load.run('actionLatency', { origin, events: eventsUrl, requests, fifo })
    times[side].push({ first: latency.firstInstructionMs, ended: latency.endedMs })
    return median(latency.endedMs)
  }
  await compareInRounds(
    5,
    () => measureRound('octopod', names.archived.slice(0, 60).map(archive)),
    () =>
      measureRound(
        'baseline',
        names.archived.slice(0, 60).map((name) => baselineRequest('archive', name)),
      ),
  )
  const { origin, eventsUrl } = sides.octopod
  const requests = names.updated.slice(0, 60).map((name) => update(name))
  accepted.push(
    ...(await bench.load.run('actionLatency', { origin, events: eventsUrl, requests, fifo: null }))
      .acceptedMs,
  )

  return [
    latencyResult('R6', 'request to first instruction, p50', 2, 15, compare(times, 'first')),
    latencyResult('R7', 'request to event of the end, p50', 2.5, 20, compare(times, 'ended')),
    {
      row: 'R5',
      description: 'update accepted, p50, config_check a sh script',
      octopod: formatMs(median(accepted)),
      baseline: '',
      ratio: null,
      target: '',
      met: null,
    },
  ]
}

type Times = Record<'octopod' | 'baseline', { first: number[]; ended: number[] }[]>

/** Without the first round, which warms up. */
function compare(times: Times, which: 'first' | 'ended'): Comparison {
  const medians = (side: 'octopod' | 'baseline') => times[side].slice(1).map((round) => median(round[which]))
  const octopod = medians('octopod')
  const baseline = medians('baseline')
  const ratios = octopod.map((value, at) => value / (baseline[at] ?? Number.NaN))
  return { octopod: median(octopod), baseline: median(baseline), ratio: median(ratios) }
}

function latencyResult(
  row: string,
  description: string,
  most: number,
  budgetMs: number,
  compared: Comparison,
): Result {
  const target = `<= ${most}, ${budgetMs} ms`
  const met = compared.ratio <= most && compared.octopod <= budgetMs
  return {
    row,
    description,
    octopod: formatMs(compared.octopod),
    baseline: formatMs(compared.baseline),
    ratio: compared.ratio,
    target,
    met,
  }
}

const baselineRequest = (scripts: string, name: string): HttpRequest => ({
  method: 'PUT',
  path: `/pipeline/${scripts}/${name}`,
})

async function rate(
  bench: Bench,
  { octopod, baseline }: Sides,
  names: string[],
  request: (name: string) => HttpRequest,
  baselineScripts: string,
  rounds: number,
): Promise<Comparison> {
  const run = async ({ origin, eventsUrl }: WebProgram, requests: HttpRequest[]) =>
    (await bench.load.run('actionThroughput', { origin, events: eventsUrl, requests, lanes: 64, ms: 2000 }))
      .perSecond
  return compareInRounds(
    rounds,
    () =>
      run(
        octopod,
        names.map((name) => request(name)),
      ),
    () =>
      run(
        baseline,
        names.map((name) => baselineRequest(baselineScripts, name)),
      ),
  )
}

function rateResult(row: string, description: string, least: number | null, compared: Comparison): Result {
  const target = least === null ? '' : `>= ${least}`
  const met = least === null ? null : compared.ratio >= least
  return {
    row,
    description,
    octopod: formatRate(compared.octopod),
    baseline: formatRate(compared.baseline),
    ratio: compared.ratio,
    target,
    met,
  }
}
