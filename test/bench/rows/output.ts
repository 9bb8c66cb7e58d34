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
  const cat = Array.from({ length: times }, () => `'${file}'`).join(' ')
  putScript(scripts, 'archive', `exec cat ${cat}`)

  const ours = startPart(bench, 'rows/output-run.ts')
  const floor = startPart(bench, 'floor/copy.ts')
  const grown: number[] = []
  const empty = () => query(databaseUrl, 'truncate action_output')
  const rate = ({ ms, bytes }: { ms: number; bytes: number }) => {
    if (bytes !== times * megabyte) throw new Error(`${bytes} bytes arrived instead of ${times * megabyte}`)
    return (bytes / megabyte / ms) * 1000
  }
  const compared = await inTurns(
    3,
    async () => {
      await empty()
      const asked: OutputAsked = { databaseUrl, actionId, file: join(scripts, 'archive') }
      const answer = (await ours.ask(asked)) as OutputAnswer
      grown.push(answer.grownBytes)
      return rate(answer)
    },
    async () => {
      await empty()
      return rate((await floor.ask({ databaseUrl, actionId, file, times })) as { ms: number; bytes: number })
    },
  )
  const most = Math.max(...grown)
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
      floor: '',
      ratio: null,
      target: `<= ${megabytes(mostGrownBytes)}`,
      met: most <= mostGrownBytes,
    },
  ]
}
