/** R13: the resident memory of an idle server and an idle runner. */
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
/** A process releases some memory after its start. */
const settleMs = 4000

export async function idleMemory(bench: Bench): Promise<Result[]> {
  const fixture = await createFixture(bench)
  await seed(fixture.octopod.databaseUrl, { count: 10 })
  const server = await startServer(bench, fixture.octopod)
  const runner = await startRunner(bench, fixture.octopod, writeControlScripts(bench))
  const baseline = residentBytes(await settled(await startBaselineServer(bench, fixture.baseline)))
  const createResult = (description: string, octopod: number): Result => ({
    row: 'R13',
    description,
    octopod: formatMegabytes(octopod),
    baseline: formatMegabytes(baseline),
    ratio: octopod / baseline,
    target: `<= ${formatMegabytes(budgetBytes)}`,
    met: octopod <= budgetBytes,
  })
  return [
    createResult('memory of an idle server', residentBytes(server)),
    createResult('memory of an idle runner', residentBytes(runner)),
  ]
}

async function settled<P extends Program>(program: P): Promise<P> {
  await pause(settleMs)
  return program
}
