/** R9: no-op checks a second, one runner with more due deployments than it can look at. */
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
/** What a runner does side by side by default. */
const sideBySide = 16

export async function checks(bench: Bench): Promise<Result[]> {
  const scene = await createFixture(bench)
  const { databaseUrl } = scene.ours
  await seed(databaseUrl, { count: 500 })
  // Every check leaves one byte; the floor spawns the same script.
  const tally = join(bench.folder, bench.uniqueName('tally'))
  writeFileSync(tally, '')
  const scripts = writeControlScripts(bench, { check: `printf . >> ${tally}` })
  const counted = async (work: () => Promise<unknown>) => {
    truncateSync(tally)
    const startedAt = performance.now()
    await work()
    return (statSync(tally).size / (performance.now() - startedAt)) * 1000
  }

  const floor = startWorkerProcess(bench, 'baseline/spawn-scripts.ts')
  await startRunner(bench, scene.ours, scripts, { CHECK_INTERVAL: '0' })
  const due = "update deployments set status = 'Running', next_check_at = now()"
  const none = "update deployments set status = 'Archived', next_check_at = 'infinity'"
  const compared = await compareInRounds(
    2,
    async () => {
      await query(databaseUrl, due)
      // The runner looks once a second when it has nothing to do.
      await pause(1300)
      const rate = await counted(() => pause(ms))
      await query(databaseUrl, none)
      await pause(300)
      return rate
    },
    () => counted(() => floor.run({ file: join(scripts, 'check'), sideBySide, ms })),
  )
  return [
    {
      row: 'R9',
      description: 'no-op checks (baseline: bare spawn)',
      ours: formatRate(compared.ours),
      baseline: formatRate(compared.baseline),
      ratio: compared.ratio,
      target: '>= 0.5',
      met: compared.ratio >= 0.5,
    },
  ]
}
