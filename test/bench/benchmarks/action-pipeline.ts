/**
 * R6 to R8: from the request to the first instruction of the script, to the event of its end, and how many a second.
 * The action is archive of a deployment that is being archived (a retry): exactly one script, nothing before it. No
 * check follows, except in the line that says so.
 */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import type { Bench } from '../harness/bench.ts'
import { blockedChecks, putScript, writeControlScripts } from '../harness/control-scripts.ts'
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

type Sides = { ours: WebProgram; baseline: WebProgram; scene: Fixture; scripts: string }
type Names = { archived: string[]; updated: string[] }

export async function actionPipeline(bench: Bench, wanted: ReadonlySet<string>): Promise<Result[]> {
  const scene = await createFixture(bench)
  const { databaseUrl } = scene.ours
  const names: Names = {
    archived: await seed(databaseUrl, { count: 200, status: 'ArchivePending', prefix: 'a' }),
    // A failed update leaves a status from which the next may begin at once.
    updated: await seed(databaseUrl, { count: 200, status: 'GenericFailure', prefix: 'u' }),
  }
  const scripts = writeControlScripts(bench, { ...blockedChecks.scripts, update: 'exit 1' })
  const sides: Sides = {
    ours: await startServer(bench, scene.ours),
    baseline: await startBaselineServer(bench, scene.baseline),
    scene,
    scripts,
  }
  const runner = await startRunner(bench, scene.ours, scripts, blockedChecks.settings)
  await startBaselineRunner(bench, scene.baseline, scripts)

  const figures: Result[] = []
  if (wanted.has('R6') || wanted.has('R7')) figures.push(...(await measureLatency(bench, sides, names)))
  if (!wanted.has('R8')) return figures
  putScript(scripts, 'archive', 'exit 0')
  const actions = await rate(bench, sides, names.archived, archive, 'archive', 3)
  figures.push(rateFigure('R8', 'no-op actions', 0.5, actions))
  const updates = await rate(bench, sides, names.updated, update, 'config_check+info+update', 1)
  figures.push(rateFigure('R8', 'updates (3 scripts each)', null, updates))

  await runner.stop()
  putScript(scripts, 'archive_check', 'exit 1')
  await startRunner(bench, scene.ours, scripts)
  const checked = await rate(bench, sides, names.archived, archive, 'archive+archive_check', 1)
  figures.push(rateFigure('R8', 'no-op actions, a check after each', null, checked))
  return figures
}

async function measureLatency(bench: Bench, sides: Sides, names: Names): Promise<Result[]> {
  const fifo = join(bench.folder, bench.uniqueName('called'))
  execFileSync('mkfifo', [fifo])
  putScript(sides.scripts, 'archive', `echo > ${fifo}`)
  const times: Record<'ours' | 'baseline', { first: number[]; ended: number[] }[]> = {
    ours: [],
    baseline: [],
  }
  const accepted: number[] = []
  const travel = async (side: 'ours' | 'baseline', requests: HttpRequest[]) => {
    const { origin, eventsUrl } = sides[side]
    const went = await bench.load.run('actionLatency', { origin, events: eventsUrl, requests, fifo })
    times[side].push({ first: went.firstInstructionMs, ended: went.endedMs })
    return median(went.endedMs)
  }
  await compareInRounds(
    5,
    () => travel('ours', names.archived.slice(0, 60).map(archive)),
    () =>
      travel(
        'baseline',
        names.archived.slice(0, 60).map((name) => floorRequest('archive', name)),
      ),
  )
  const { origin, eventsUrl } = sides.ours
  const requests = names.updated.slice(0, 60).map((name) => update(name))
  accepted.push(
    ...(await bench.load.run('actionLatency', { origin, events: eventsUrl, requests, fifo: null }))
      .acceptedMs,
  )

  return [
    latencyFigure('R6', 'request to first instruction, p50', 2, 15, compare(times, 'first')),
    latencyFigure('R7', 'request to event of the end, p50', 2.5, 20, compare(times, 'ended')),
    {
      row: 'R5',
      description: 'update accepted, p50, config_check a sh script',
      ours: formatMs(median(accepted)),
      baseline: '',
      ratio: null,
      target: '',
      met: null,
    },
  ]
}

type Times = Record<'ours' | 'baseline', { first: number[]; ended: number[] }[]>

/** Without the first round, which warmed up. */
function compare(times: Times, which: 'first' | 'ended'): Comparison {
  const medians = (side: 'ours' | 'baseline') => times[side].slice(1).map((round) => median(round[which]))
  const ours = medians('ours')
  const floor = medians('baseline')
  const ratios = ours.map((value, at) => value / (floor[at] ?? Number.NaN))
  return { ours: median(ours), baseline: median(floor), ratio: median(ratios) }
}

function latencyFigure(
  row: string,
  description: string,
  most: number,
  budgetMs: number,
  got: Comparison,
): Result {
  const target = `<= ${most}, ${budgetMs} ms`
  const met = got.ratio <= most && got.ours <= budgetMs
  return {
    row,
    description,
    ours: formatMs(got.ours),
    baseline: formatMs(got.baseline),
    ratio: got.ratio,
    target,
    met,
  }
}

const floorRequest = (scripts: string, name: string): HttpRequest => ({
  method: 'PUT',
  path: `/pipeline/${scripts}/${name}`,
})

async function rate(
  bench: Bench,
  { ours, baseline }: Sides,
  names: string[],
  request: (name: string) => HttpRequest,
  floorScripts: string,
  rounds: number,
): Promise<Comparison> {
  const run = async ({ origin, eventsUrl }: WebProgram, requests: HttpRequest[]) =>
    (await bench.load.run('actionThroughput', { origin, events: eventsUrl, requests, lanes: 64, ms: 2000 }))
      .perSecond
  return compareInRounds(
    rounds,
    () =>
      run(
        ours,
        names.map((name) => request(name)),
      ),
    () =>
      run(
        baseline,
        names.map((name) => floorRequest(floorScripts, name)),
      ),
  )
}

function rateFigure(row: string, description: string, least: number | null, got: Comparison): Result {
  const target = least === null ? '' : `>= ${least}`
  const met = least === null ? null : got.ratio >= least
  return {
    row,
    description,
    ours: formatRate(got.ours),
    baseline: formatRate(got.baseline),
    ratio: got.ratio,
    target,
    met,
  }
}
