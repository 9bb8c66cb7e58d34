/**
 * R6 to R8: from the request to the first instruction of the script, to the event of its end, and how many a second.
 * The action is archive of a deployment that is being archived (a retry): exactly one script, nothing before it. No
 * check follows, except in the line that says so.
 */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import type { HttpRequest } from '../load/tasks.ts'
import type { Bench } from '../rig/bench.ts'
import { type Figure, ms, perSecond } from '../rig/figures.ts'
import { type Compared, inTurns, median } from '../rig/measure.ts'
import {
  startFloorRunner,
  startFloorServer,
  startRunner,
  startServer,
  type WebProgram,
} from '../rig/programs.ts'
import { archive, makeScene, type Scene, update } from '../rig/scene.ts'
import { seed } from '../rig/seed.ts'
import { checksHeld, makeShelf, putScript } from '../rig/shelf.ts'

type Sides = { ours: WebProgram; floor: WebProgram; scene: Scene; scripts: string }
type Names = { archived: string[]; updated: string[] }

export async function pipeline(bench: Bench, wanted: ReadonlySet<string>): Promise<Figure[]> {
  const scene = await makeScene(bench)
  const { databaseUrl } = scene.ours
  const names: Names = {
    archived: await seed(databaseUrl, { count: 200, status: 'ArchivePending', prefix: 'a' }),
    // A failed update leaves a status from which the next may begin at once.
    updated: await seed(databaseUrl, { count: 200, status: 'GenericFailure', prefix: 'u' }),
  }
  const scripts = makeShelf(bench, { ...checksHeld.scripts, update: 'exit 1' })
  const sides: Sides = {
    ours: await startServer(bench, scene.ours),
    floor: await startFloorServer(bench, scene.floor),
    scene,
    scripts,
  }
  const runner = await startRunner(bench, scene.ours, scripts, checksHeld.settings)
  await startFloorRunner(bench, scene.floor, scripts)

  const figures: Figure[] = []
  if (wanted.has('R6') || wanted.has('R7')) figures.push(...(await journeys(bench, sides, names)))
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

async function journeys(bench: Bench, sides: Sides, names: Names): Promise<Figure[]> {
  const fifo = join(bench.folder, bench.fresh('called'))
  execFileSync('mkfifo', [fifo])
  putScript(sides.scripts, 'archive', `echo > ${fifo}`)
  const times: Record<'ours' | 'floor', { first: number[]; ended: number[] }[]> = { ours: [], floor: [] }
  const accepted: number[] = []
  const travel = async (side: 'ours' | 'floor', requests: HttpRequest[]) => {
    const { origin, events } = sides[side]
    const went = await bench.load.run('journey', { origin, events, requests, fifo })
    times[side].push({ first: went.firstInstructionMs, ended: went.endedMs })
    return median(went.endedMs)
  }
  await inTurns(
    5,
    () => travel('ours', names.archived.slice(0, 60).map(archive)),
    () =>
      travel(
        'floor',
        names.archived.slice(0, 60).map((name) => floorRequest('archive', name)),
      ),
  )
  const { origin, events } = sides.ours
  const requests = names.updated.slice(0, 60).map((name) => update(name))
  accepted.push(...(await bench.load.run('journey', { origin, events, requests, fifo: null })).acceptedMs)

  return [
    latencyFigure('R6', 'request to first instruction, p50', 2, 15, compare(times, 'first')),
    latencyFigure('R7', 'request to event of the end, p50', 2.5, 20, compare(times, 'ended')),
    {
      row: 'R5',
      what: 'update accepted, p50, config_check a sh script',
      ours: ms(median(accepted)),
      floor: '',
      ratio: null,
      target: '',
      met: null,
    },
  ]
}

type Times = Record<'ours' | 'floor', { first: number[]; ended: number[] }[]>

/** Without the first round, which warmed up. */
function compare(times: Times, which: 'first' | 'ended'): Compared {
  const medians = (side: 'ours' | 'floor') => times[side].slice(1).map((round) => median(round[which]))
  const ours = medians('ours')
  const floor = medians('floor')
  const ratios = ours.map((value, at) => value / (floor[at] ?? Number.NaN))
  return { ours: median(ours), floor: median(floor), ratio: median(ratios) }
}

function latencyFigure(row: string, what: string, most: number, budgetMs: number, got: Compared): Figure {
  const target = `<= ${most}, ${budgetMs} ms`
  const met = got.ratio <= most && got.ours <= budgetMs
  return { row, what, ours: ms(got.ours), floor: ms(got.floor), ratio: got.ratio, target, met }
}

const floorRequest = (scripts: string, name: string): HttpRequest => ({
  method: 'PUT',
  path: `/pipeline/${scripts}/${name}`,
})

async function rate(
  bench: Bench,
  { ours, floor }: Sides,
  names: string[],
  request: (name: string) => HttpRequest,
  floorScripts: string,
  rounds: number,
): Promise<Compared> {
  const run = async ({ origin, events }: WebProgram, requests: HttpRequest[]) =>
    (await bench.load.run('throughput', { origin, events, requests, lanes: 64, ms: 2000 })).perSecond
  return inTurns(
    rounds,
    () =>
      run(
        ours,
        names.map((name) => request(name)),
      ),
    () =>
      run(
        floor,
        names.map((name) => floorRequest(floorScripts, name)),
      ),
  )
}

function rateFigure(row: string, what: string, least: number | null, got: Compared): Figure {
  const target = least === null ? '' : `>= ${least}`
  const met = least === null ? null : got.ratio >= least
  return { row, what, ours: perSecond(got.ours), floor: perSecond(got.floor), ratio: got.ratio, target, met }
}
