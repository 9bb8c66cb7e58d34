/** Two servers and two runners against one of each, on actions that wait: the database is all they share. */
import type { HttpRequest } from '../load/tasks.ts'
import type { Bench } from '../rig/bench.ts'
import { type Figure, perSecond } from '../rig/figures.ts'
import { startRunner, startServer, type WebProgram } from '../rig/programs.ts'
import { archive, makeScene } from '../rig/scene.ts'
import { seed } from '../rig/seed.ts'
import { checksHeld, makeShelf } from '../rig/shelf.ts'

/** So many actions run in one runner at once by default; twice as many ask. */
const lanes = 64
const ms = 8000

export async function scale(bench: Bench): Promise<Figure[]> {
  const { ours } = await makeScene(bench)
  const names = await seed(ours.databaseUrl, { count: 400, status: 'ArchivePending' })
  const scripts = makeShelf(bench, { ...checksHeld.scripts, archive: 'exec sleep 1' })
  const requests = names.map(archive)
  const half = requests.length / 2
  const run = async ({ origin, events }: WebProgram, asked: HttpRequest[]) =>
    (await bench.load.run('throughput', { origin, events, requests: asked, lanes, ms })).perSecond

  const first = await startServer(bench, ours)
  await startRunner(bench, ours, scripts, checksHeld.settings)
  const alone = await run(first, requests.slice(0, half))

  const second = await startServer(bench, ours)
  await startRunner(bench, ours, scripts, checksHeld.settings)
  const rates = await Promise.all([run(first, requests.slice(0, half)), run(second, requests.slice(half))])
  const together = rates.reduce((sum, rate) => sum + rate)
  const ratio = together / alone
  return [
    {
      row: 'scale',
      what: 'two servers and runners (floor: one of each), actions that sleep 1 s',
      ours: perSecond(together),
      floor: perSecond(alone),
      ratio,
      target: '>= 1.6',
      met: ratio >= 1.6,
    },
  ]
}
