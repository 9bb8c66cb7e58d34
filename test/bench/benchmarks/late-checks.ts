/**
 * The share of late checks, by the number of deployments and runners. A check takes a second, and every
 * deployment is due every 15 s. CHECK_CONCURRENCY has its default except in the last row.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { type Bench, runIsolated } from '../harness/bench.ts'
import { writeControlScripts } from '../harness/control-scripts.ts'
import { query } from '../harness/datastores.ts'
import { createFixture } from '../harness/fixture.ts'
import { startRunner } from '../harness/programs.ts'
import { seed } from '../harness/seed.ts'
import type { Table } from './growth.ts'

const everySeconds = 15
const lateSeconds = 5
const warmUpMs = 12_000
const samples = 12
const runnerCounts = [1, 2, 4]

export async function lateChecks(bench: Bench): Promise<Table> {
  const rows: string[][] = []
  const row = async (count: number, settings: Record<string, string>, label: string) => {
    const cells = [label]
    for (const runners of runnerCounts)
      cells.push(percent(await runIsolated(bench, (scope) => lateShare(scope, count, runners, settings))))
    rows.push(cells)
  }
  for (const count of [100, 1000, 5000]) await row(count, {}, `${count.toLocaleString('en')} deployments`)
  await row(1000, { CHECK_CONCURRENCY: '80' }, '1,000, CHECK_CONCURRENCY=80')
  return {
    title: `Share of deployments checked over ${lateSeconds} s late (a check takes 1 s, one is due every ${everySeconds} s):`,
    head: ['deployments', ...runnerCounts.map((runners) => `${runners} runner${runners > 1 ? 's' : ''}`)],
    rows,
  }
}

async function lateShare(
  bench: Bench,
  count: number,
  runners: number,
  settings: Record<string, string>,
): Promise<number> {
  const { octopod } = await createFixture(bench)
  await seed(octopod.databaseUrl, { count })
  const scripts = writeControlScripts(bench, { check: 'exec sleep 1' })
  for (let at = 0; at < runners; at += 1)
    await startRunner(bench, octopod, scripts, { CHECK_INTERVAL: String(everySeconds), ...settings })
  // The due times are spread, as in an installation that has run for a long time.
  await query(
    octopod.databaseUrl,
    `update deployment_checks set next_check_at = now() + random() * interval '${everySeconds} seconds'`,
  )
  await pause(warmUpMs)
  let share = 0
  for (let sample = 0; sample < samples; sample += 1) {
    await pause(1000)
    const [row] = await query(
      octopod.databaseUrl,
      `select count(*) filter (where greatest(next_check_at, lease_expires_at) < now() - interval '${lateSeconds} seconds')::float8 / count(*) as share
       from deployment_checks`,
    )
    share += Number(row?.share) / samples
  }
  return share
}

const percent = (share: number) => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`
