/**
 * The share of deployments whose check is late, by their number and the number of runners: checks that take a second each,
 * every deployment due every 15 s. What a runner can do at once (CHECK_CONCURRENCY) is its default, but for the last line.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { type Bench, inScene } from '../rig/bench.ts'
import { query } from '../rig/engines.ts'
import { startRunner } from '../rig/programs.ts'
import { makeScene } from '../rig/scene.ts'
import { seed } from '../rig/seed.ts'
import { makeShelf } from '../rig/shelf.ts'
import type { Growth } from './growth.ts'

const everySeconds = 15
const lateSeconds = 5
const warmUpMs = 12_000
const looks = 12
const fleets = [1, 2, 4]

export async function late(bench: Bench): Promise<Growth> {
  const rows: string[][] = []
  const row = async (count: number, settings: Record<string, string>, words: string) => {
    const cells = [words]
    for (const runners of fleets)
      cells.push(percent(await inScene(bench, (scene) => lateShare(scene, count, runners, settings))))
    rows.push(cells)
  }
  for (const count of [100, 1000, 5000]) await row(count, {}, `${count.toLocaleString('en')} deployments`)
  await row(1000, { CHECK_CONCURRENCY: '80' }, '1,000, CHECK_CONCURRENCY=80')
  return {
    title: `Share of deployments checked over ${lateSeconds} s late (a check takes 1 s, one is due every ${everySeconds} s):`,
    head: ['deployments', ...fleets.map((runners) => `${runners} runner${runners > 1 ? 's' : ''}`)],
    rows,
  }
}

async function lateShare(
  bench: Bench,
  count: number,
  runners: number,
  settings: Record<string, string>,
): Promise<number> {
  const { ours } = await makeScene(bench)
  await seed(ours.databaseUrl, { count })
  const scripts = makeShelf(bench, { check: 'exec sleep 1' })
  for (let at = 0; at < runners; at += 1)
    await startRunner(bench, ours, scripts, { CHECK_INTERVAL: String(everySeconds), ...settings })
  // Due one after another, as in a life that has gone on for long.
  await query(
    ours.databaseUrl,
    `update deployments set next_check_at = now() + random() * interval '${everySeconds} seconds'`,
  )
  await pause(warmUpMs)
  let share = 0
  for (let look = 0; look < looks; look += 1) {
    await pause(1000)
    const [row] = await query(
      ours.databaseUrl,
      `select count(*) filter (where next_check_at < now() - interval '${lateSeconds} seconds')::float8 / count(*) as share
       from deployments`,
    )
    share += Number(row?.share) / looks
  }
  return share
}

const percent = (share: number) => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`
