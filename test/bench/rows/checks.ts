/** R9: no-op checks a second, one runner with more due deployments than it can look at. */
import { statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Bench } from '../rig/bench.ts'
import { query } from '../rig/engines.ts'
import { type Figure, perSecond } from '../rig/figures.ts'
import { inTurns } from '../rig/measure.ts'
import { startPart } from '../rig/part.ts'
import { startRunner } from '../rig/programs.ts'
import { makeScene } from '../rig/scene.ts'
import { seed } from '../rig/seed.ts'
import { makeShelf } from '../rig/shelf.ts'

const ms = 2000
/** What a runner does side by side by default. */
const sideBySide = 16

export async function checks(bench: Bench): Promise<Figure[]> {
  const scene = await makeScene(bench)
  const { databaseUrl } = scene.ours
  await seed(databaseUrl, { count: 500 })
  // Every check leaves one byte; the floor spawns the same script.
  const tally = join(bench.folder, bench.fresh('tally'))
  writeFileSync(tally, '')
  const scripts = makeShelf(bench, { check: `printf . >> ${tally}` })
  const counted = async (work: () => Promise<unknown>) => {
    truncateSync(tally)
    const startedAt = performance.now()
    await work()
    return (statSync(tally).size / (performance.now() - startedAt)) * 1000
  }

  const floor = startPart(bench, 'floor/spawns.ts')
  await startRunner(bench, scene.ours, scripts, { CHECK_INTERVAL: '0' })
  const due = "update deployments set status = 'Running', next_check_at = now()"
  const none = "update deployments set status = 'Archived', next_check_at = 'infinity'"
  const compared = await inTurns(
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
    () => counted(() => floor.ask({ file: join(scripts, 'check'), sideBySide, ms })),
  )
  return [
    {
      row: 'R9',
      what: 'no-op checks (floor: bare spawn)',
      ours: perSecond(compared.ours),
      floor: perSecond(compared.floor),
      ratio: compared.ratio,
      target: '>= 0.5',
      met: compared.ratio >= 0.5,
    },
  ]
}
