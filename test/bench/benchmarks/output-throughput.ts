/** R10: 100 MB of output from a script into PostgreSQL, and what it does to the memory of the process. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bench } from '../harness/bench.ts'
import { putScript, writeControlScripts } from '../harness/control-scripts.ts'
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
const mostGrownBytes = 64 * megabyte

export async function outputThroughput(bench: Bench): Promise<Result[]> {
  const { databaseUrl } = (await createFixture(bench)).ours
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
    putScript(scripts, 'archive', `exec cat ${Array.from({ length: times }, () => file).join(' ')}`)

  const ours = startWorkerProcess(bench, 'benchmarks/output-worker.ts')
  const floor = startWorkerProcess(bench, 'baseline/copy-output.ts')
  const grown: Record<'ours' | 'baseline', number[]> = { ours: [], baseline: [] }
  // Warming up needs less, and its memory does not count.
  const timesOf = (round: number) => (round === 0 ? times / 10 : times)
  const kept = (side: 'ours' | 'baseline', round: number, { ms, bytes, grownBytes }: OutputMeasurement) => {
    const expected = timesOf(round) * megabyte
    if (bytes !== expected) throw new Error(`${bytes} bytes arrived instead of ${expected}`)
    if (round > 0) grown[side].push(grownBytes)
    return (bytes / megabyte / ms) * 1000
  }
  const compared = await compareInRounds(
    2,
    async (round) => {
      await query(databaseUrl, 'truncate action_output')
      writeScript(timesOf(round))
      const asked: OutputTask = { databaseUrl, actionId, file: join(scripts, 'archive') }
      return kept('ours', round, (await ours.run(asked)) as OutputMeasurement)
    },
    async (round) => {
      await query(databaseUrl, 'truncate action_output')
      const asked = { databaseUrl, actionId, file, times: timesOf(round) }
      return kept('baseline', round, (await floor.run(asked)) as OutputMeasurement)
    },
  )
  const most = Math.max(...grown.ours)
  return [
    {
      row: 'R10',
      description: `${times} MB of output, MB`,
      ours: formatRate(compared.ours),
      baseline: formatRate(compared.baseline),
      ratio: compared.ratio,
      target: '>= 0.5',
      met: compared.ratio >= 0.5,
    },
    {
      row: 'R10',
      description: 'growth of memory meanwhile',
      ours: formatMegabytes(most),
      baseline: formatMegabytes(Math.max(...grown.baseline)),
      ratio: null,
      target: `<= ${formatMegabytes(mostGrownBytes)}`,
      met: most <= mostGrownBytes,
    },
  ]
}
