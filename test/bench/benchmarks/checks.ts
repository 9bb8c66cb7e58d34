/** R9: no-op checks per second of one runner that always has more due deployments than it can check. */
import { statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Bench } from '../harness/bench.ts'
import { writeControlScripts } from '../harness/control-scripts.ts'
import { query } from '../harness/datastores.ts'
import { createFixture } from '../harness/fixture.ts'
import { compareInRounds } from '../harness/measure.ts'
import { startRunner } from '../harness/programs.ts'
import { formatRate, type Result } from '../harness/results.ts'
import { seed } from '../harness/seed.ts'
import { startWorkerProcess } from '../harness/worker-process.ts'

const ms = 2000
/** The default of CHECK_CONCURRENCY. */
const concurrency = 16

export async function checks(bench: Bench): Promise<Result[]> {
  const fixture = await createFixture(bench)
  const { databaseUrl } = fixture.octopod
  await seed(databaseUrl, { count: 500 })
  // Every check writes one byte. The baseline spawns the same script.
  const tally = join(bench.folder, bench.uniqueName('tally'))
  writeFileSync(tally, '')
  const scripts = writeControlScripts(bench, { check: `printf . >> ${tally}` })
  const countPerSecond = async (work: () => Promise<unknown>) => {
    truncateSync(tally)
    const startedAt = performance.now()
    await work()
    return (statSync(tally).size / (performance.now() - startedAt)) * 1000
  }

  const baseline = startWorkerProcess(bench, 'baseline/spawn-scripts.ts')
  await startRunner(bench, fixture.octopod, scripts, { CHECK_INTERVAL: '0' })
  // A change of the status makes the check due, or plans none.
  const due = "update deployments set status = 'Running'"
  const none = "update deployments set status = 'Archived'"
  const compared = await compareInRounds(
    2,
    async () => {
      await query(databaseUrl, due)
      // An idle runner polls once a second.
      await pause(1300)
      const rate = await countPerSecond(() => pause(ms))
      await query(databaseUrl, none)
      await pause(300)
      return rate
    },
    () => countPerSecond(() => baseline.run({ file: join(scripts, 'check'), concurrency, ms })),
  )
  return [
    {
      row: 'R9',
      description: 'no-op checks (baseline: bare spawn)',
      octopod: formatRate(compared.octopod),
      baseline: formatRate(compared.baseline),
      ratio: compared.ratio,
      target: '>= 0.5',
      met: compared.ratio >= 0.5,
    },
  ]
}
