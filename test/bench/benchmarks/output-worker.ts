/**
 * The Octopod part of R10, in a process of its own: the output of one script through process.ts, output.ts and
 * appendOutput.
 */
import { type Database, openPool } from '../../../db/pool.ts'
import { appendOutput } from '../../../db/queries/output.ts'
import { createOutput } from '../../../runner/output/output.ts'
import { runProcess } from '../../../runner/process/process.ts'
import { measureMemoryGrowth } from '../harness/memory-growth.ts'
import { serveTasks } from '../harness/serve-tasks.ts'

export type OutputTask = { databaseUrl: string; actionId: number; file: string }
export type OutputMeasurement = { ms: number; bytes: number; grownBytes: number }

const secrets = ['a-secret-of-the-application', 'another-secret']
let pool: Database | null = null

serveTasks(async ({ databaseUrl, actionId, file }: OutputTask): Promise<OutputMeasurement> => {
  pool ??= await openPool(databaseUrl, { size: 10 })
  const database = pool
  const { value, grownBytes } = await measureMemoryGrowth(() => runScript(database, actionId, file))
  return { ...value, grownBytes }
})

async function runScript(
  database: Database,
  actionId: number,
  file: string,
): Promise<{ ms: number; bytes: number }> {
  const startedAt = performance.now()
  const output = createOutput({
    firstSeq: 1,
    limitBytes: 2 ** 30,
    secrets,
    write: (chunks) => appendOutput(database, { actionId, fencingToken: 1 }, chunks),
  })
  const result = await runProcess({
    file,
    args: [],
    env: { PATH: process.env.PATH ?? '' },
    timeoutMs: 60_000,
    killGraceMs: 1000,
    onOutput: output.push,
  })
  const { bytes } = await output.end()
  if (result.exitCode !== 0) throw new Error(`the script ended with ${JSON.stringify(result)}`)
  return { ms: performance.now() - startedAt, bytes }
}
