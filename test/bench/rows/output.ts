/** R10: 100 MB of output from a script into PostgreSQL, and what it does to the memory of the process. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bench } from '../rig/bench.ts'
import { query } from '../rig/engines.ts'
import { type Figure, megabytes, perSecond } from '../rig/figures.ts'
import { inTurns } from '../rig/measure.ts'
import { logLines } from '../rig/noise.ts'
import { startPart } from '../rig/part.ts'
import { makeScene } from '../rig/scene.ts'
import { seed } from '../rig/seed.ts'
import { makeShelf, putScript } from '../rig/shelf.ts'
import type { OutputAnswer, OutputAsked } from './output-run.ts'

const megabyte = 1024 * 1024
const times = 100
const mostGrownBytes = 64 * megabyte

export async function output(bench: Bench): Promise<Figure[]> {
  const { databaseUrl } = (await makeScene(bench)).ours
  await seed(databaseUrl, { count: 1 })
  const [row] = await query(
    databaseUrl,
    `insert into actions (deployment_id, kind, state, app_overrides, deployment_overrides, actor, source, started_at,
       lease_epoch, lease_expires_at)
     select id, 'archive', 'running', '[]', '[]', 'bench', 'api', now(), 1, 'infinity' from deployments returning id`,
  )
  const actionId = Number(row?.id)
  const file = join(bench.folder, bench.fresh('log'))
  writeFileSync(file, logLines(megabyte).slice(0, megabyte))
  const scripts = makeShelf(bench)
  const writeScript = (times: number) =>
    putScript(scripts, 'archive', `exec cat ${Array.from({ length: times }, () => file).join(' ')}`)

  const ours = startPart(bench, 'rows/output-run.ts')
  const floor = startPart(bench, 'floor/copy.ts')
  const grown: Record<'ours' | 'floor', number[]> = { ours: [], floor: [] }
  // Warming up needs less, and its memory does not count.
  const timesOf = (round: number) => (round === 0 ? times / 10 : times)
  const kept = (side: 'ours' | 'floor', round: number, { ms, bytes, grownBytes }: OutputAnswer) => {
    const expected = timesOf(round) * megabyte
    if (bytes !== expected) throw new Error(`${bytes} bytes arrived instead of ${expected}`)
    if (round > 0) grown[side].push(grownBytes)
    return (bytes / megabyte / ms) * 1000
  }
  const compared = await inTurns(
    2,
    async (round) => {
      await query(databaseUrl, 'truncate action_output')
      writeScript(timesOf(round))
      const asked: OutputAsked = { databaseUrl, actionId, file: join(scripts, 'archive') }
      return kept('ours', round, (await ours.ask(asked)) as OutputAnswer)
    },
    async (round) => {
      await query(databaseUrl, 'truncate action_output')
      const asked = { databaseUrl, actionId, file, times: timesOf(round) }
      return kept('floor', round, (await floor.ask(asked)) as OutputAnswer)
    },
  )
  const most = Math.max(...grown.ours)
  return [
    {
      row: 'R10',
      what: `${times} MB of output, MB`,
      ours: perSecond(compared.ours),
      floor: perSecond(compared.floor),
      ratio: compared.ratio,
      target: '>= 0.5',
      met: compared.ratio >= 0.5,
    },
    {
      row: 'R10',
      what: 'growth of memory meanwhile',
      ours: megabytes(most),
      floor: megabytes(Math.max(...grown.floor)),
      ratio: null,
      target: `<= ${megabytes(mostGrownBytes)}`,
      met: most <= mostGrownBytes,
    },
  ]
}
