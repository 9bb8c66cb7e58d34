/** R5: how long until an update is accepted, with config_check answered at once. */
import { hearQuestions } from '../../../db/queue.ts'
import { closeRedis, openBlocking, openCommands } from '../../../db/redis.ts'
import type { HttpRequest } from '../load/tasks.ts'
import type { Bench } from '../rig/bench.ts'
import { type Figure, ms } from '../rig/figures.ts'
import { inTurns, median, quantile } from '../rig/measure.ts'
import { startFloorServer, startServer } from '../rig/programs.ts'
import { makeScene, update } from '../rig/scene.ts'
import { seed, settleAll } from '../rig/seed.ts'

const rounds = 5

export async function accepting(bench: Bench): Promise<Figure[]> {
  const scene = await makeScene(bench)
  const names = await seed(scene.ours.databaseUrl, { count: 200 })
  const ours = await startServer(bench, scene.ours)
  const floor = await startFloorServer(bench, scene.floor)
  answerAtOnce(bench, scene.ours.prefix)

  const all: Record<'ours' | 'floor', number[]> = { ours: [], floor: [] }
  const accept = async (side: 'ours' | 'floor', origin: string, requests: HttpRequest[]) => {
    await settleAll(scene.ours.databaseUrl, 'Running')
    const { latenciesMs } = await bench.load.run('each', { origin, requests, expect: 200 })
    all[side].push(...latenciesMs)
    return median(latenciesMs)
  }
  const compared = await inTurns(
    rounds,
    () =>
      accept(
        'ours',
        ours.origin,
        names.map((name) => update(name)),
      ),
    () =>
      accept(
        'floor',
        floor.origin,
        names.map((name) => update(name, `/update/${name}`)),
      ),
  )
  const shown = (side: 'ours' | 'floor') => `${ms(compared[side])} (p99 ${ms(quantile(all[side], 0.99))})`
  return [
    {
      row: 'R5',
      what: 'update accepted, p50',
      ours: shown('ours'),
      floor: shown('floor'),
      ratio: compared.ratio,
      target: '<= 2',
      met: compared.ratio <= 2,
    },
  ]
}

/** Stands in for a runner whose config_check takes no time. */
function answerAtOnce(bench: Bench, prefix: string): void {
  const blocking = openBlocking(bench.engines.redisUrl, () => {})
  const commands = openCommands(bench.engines.redisUrl, () => {})
  const worker = hearQuestions(blocking, commands, prefix, 8, async () => ({ is: 'ok' }))
  bench.closing(async () => {
    await worker.close()
    await Promise.all([closeRedis(blocking), closeRedis(commands)])
  })
}
