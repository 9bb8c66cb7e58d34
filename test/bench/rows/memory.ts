/** R13: resident memory of a server and of a runner that have nothing to do. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Bench } from '../rig/bench.ts'
import { type Figure, megabytes } from '../rig/figures.ts'
import { type Program, residentBytes, startFloorServer, startRunner, startServer } from '../rig/programs.ts'
import { makeScene } from '../rig/scene.ts'
import { seed } from '../rig/seed.ts'
import { makeShelf } from '../rig/shelf.ts'

const budgetBytes = 130 * 1024 * 1024
/** After the start a process gives back some of what starting took. */
const settleMs = 4000

export async function memory(bench: Bench): Promise<Figure[]> {
  const scene = await makeScene(bench)
  await seed(scene.ours.databaseUrl, { count: 10 })
  const server = await startServer(bench, scene.ours)
  const runner = await startRunner(bench, scene.ours, makeShelf(bench))
  const floor = residentBytes(await settled(await startFloorServer(bench, scene.floor)))
  const figure = (what: string, ours: number): Figure => ({
    row: 'R13',
    what,
    ours: megabytes(ours),
    floor: megabytes(floor),
    ratio: ours / floor,
    target: `<= ${megabytes(budgetBytes)}`,
    met: ours <= budgetBytes,
  })
  return [
    figure('memory of an idle server', residentBytes(server)),
    figure('memory of an idle runner', residentBytes(runner)),
  ]
}

async function settled<P extends Program>(program: P): Promise<P> {
  await pause(settleMs)
  return program
}
