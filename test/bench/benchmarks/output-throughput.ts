/** R10: 100 MB of output from a script into PostgreSQL, and how much the memory of the process grows. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bench } from '../harness/bench.ts'
import { writeControlScript, writeControlScripts } from '../harness/control-scripts.ts'
import { query } from '../harness/datastores.ts'
import { createFixture } from '../harness/fixture.ts'
import { logLines } from '../harness/log-lines.ts'
import { compareInRounds } from '../harness/measure.ts'
import { formatMegabytes, formatRate, type Result } from '../harness/results.ts'
import { seed } from '../harness/seed.ts'
import { startWorkerProcess } from '../harness/worker-process.ts'
import type { OutputMeasurement, OutputTask } from './output-worker.ts'

const megabyte = 1024 * 1024
const times = 100
const maxGrowthBytes = 64 * megabyte

export async function outputThroughput(bench: Bench): Promise<Result[]> {
  const { databaseUrl } = (await createFixture(bench)).octopod
  await seed(databaseUrl, { count: 1 })
  const [row] = await query(
    databaseUrl,
    `insert into actions (deployment_id, kind, state, app_overrides, deployment_overrides, actor, source, started_at,
       fencing_token, lease_expires_at)
     select id, 'archive', 'running', '[]', '[]', 'bench', 'api', now(), 1, 'infinity' from deployments returning id`,
  )
  const actionId = Number(row?.id)
  const file = join(bench.folder, bench.uniqueName('log'))
  writeFileSync(file, logLines(megabyte).slice(0, megabyte))
  const scripts = writeControlScripts(bench)
  const writeScript = (times: number) =>
    writeControlScript(scripts, 'archive', `exec cat ${Array.from({ length: times }, () => file).join(' ')}`)

  const octopod = startWorkerProcess(bench, 'benchmarks/output-worker.ts')
  const baseline = startWorkerProcess(bench, 'baseline/copy-output.ts')
  const growth: Record<'octopod' | 'baseline', number[]> = { octopod: [], baseline: [] }
  // The warm-up round writes less, and its memory does not count.
  const timesOf = (round: number) => (round === 0 ? times / 10 : times)
  const recordRound = (
    side: 'octopod' | 'baseline',
    round: number,
    { ms, bytes, grownBytes }: OutputMeasurement,
  ) => {
    const expected = timesOf(round) * megabyte
    if (bytes !== expected) throw new Error(`${bytes} bytes arrived instead of ${expected}`)
    if (round > 0) growth[side].push(grownBytes)
    return (bytes / megabyte / ms) * 1000
  }
  const compared = await compareInRounds(
    2,
    async (round) => {
      await query(databaseUrl, 'truncate action_output')
      writeScript(timesOf(round))
      const task: OutputTask = { databaseUrl, actionId, file: join(scripts, 'archive') }
      return recordRound('octopod', round, (await octopod.run(task)) as OutputMeasurement)
    },
    async (round) => {
      await query(databaseUrl, 'truncate action_output')
      const task = { databaseUrl, actionId, file, times: timesOf(round) }
      return recordRound('baseline', round, (await baseline.run(task)) as OutputMeasurement)
    },
  )
  const peak = Math.max(...growth.octopod)
  return [
    {
      row: 'R10',
      description: `${times} MB of output, MB`,
      octopod: formatRate(compared.octopod),
      baseline: formatRate(compared.baseline),
      ratio: compared.ratio,
      target: '>= 0.5',
      met: compared.ratio >= 0.5,
    },
    {
      row: 'R10',
      description: 'memory growth during it',
      octopod: formatMegabytes(peak),
      baseline: formatMegabytes(Math.max(...growth.baseline)),
      ratio: null,
      target: `<= ${formatMegabytes(maxGrowthBytes)}`,
      met: peak <= maxGrowthBytes,
    },
  ]
}
