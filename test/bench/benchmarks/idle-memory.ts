/** R13: resident memory of a server and of a runner that have nothing to do. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Bench } from '../harness/bench.ts'
import { writeControlScripts } from '../harness/control-scripts.ts'
import { createFixture } from '../harness/fixture.ts'
import {
  type Program,
  residentBytes,
  startBaselineServer,
  startRunner,
  startServer,
} from '../harness/programs.ts'
import { formatMegabytes, type Result } from '../harness/results.ts'
import { seed } from '../harness/seed.ts'

const budgetBytes = 130 * 1024 * 1024
/** After the start a process gives back some of what starting took. */
const settleMs = 4000

export async function idleMemory(bench: Bench): Promise<Result[]> {
  const scene = await createFixture(bench)
  await seed(scene.ours.databaseUrl, { count: 10 })
  const server = await startServer(bench, scene.ours)
  const runner = await startRunner(bench, scene.ours, writeControlScripts(bench))
  const floor = residentBytes(await settled(await startBaselineServer(bench, scene.baseline)))
  const figure = (description: string, ours: number): Result => ({
    row: 'R13',
    description,
    ours: formatMegabytes(ours),
    baseline: formatMegabytes(floor),
    ratio: ours / floor,
    target: `<= ${formatMegabytes(budgetBytes)}`,
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
