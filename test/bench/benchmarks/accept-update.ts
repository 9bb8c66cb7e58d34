/** R5: how long until an update is accepted, with config_check answered at once. */
import { serveScriptQueries } from '../../../db/queue/script-queries.ts'
import {
  closeRedis,
  createBlockingConnection,
  createCommandConnection,
} from '../../../db/redis/connections.ts'
import type { Bench } from '../harness/bench.ts'
import { createFixture, update } from '../harness/fixture.ts'
import { compareInRounds, median, quantile } from '../harness/measure.ts'
import { startBaselineServer, startServer } from '../harness/programs.ts'
import { formatMs, type Result } from '../harness/results.ts'
import { resetActions, seed } from '../harness/seed.ts'
import type { HttpRequest } from '../load-generator/tasks.ts'

const rounds = 5

export async function acceptUpdate(bench: Bench): Promise<Result[]> {
  const scene = await createFixture(bench)
  const names = await seed(scene.ours.databaseUrl, { count: 200 })
  const ours = await startServer(bench, scene.ours)
  const floor = await startBaselineServer(bench, scene.baseline)
  answerConfigCheckAtOnce(bench, scene.ours.prefix)

  const all: Record<'ours' | 'baseline', number[]> = { ours: [], baseline: [] }
  const accept = async (side: 'ours' | 'baseline', origin: string, requests: HttpRequest[]) => {
    await resetActions(scene.ours.databaseUrl, 'Running')
    const { latenciesMs } = await bench.load.run('sequentialRequests', { origin, requests, expect: 200 })
    all[side].push(...latenciesMs)
    return median(latenciesMs)
  }
  const compared = await compareInRounds(
    rounds,
    () =>
      accept(
        'ours',
        ours.origin,
        names.map((name) => update(name)),
      ),
    () =>
      accept(
        'baseline',
        floor.origin,
        names.map((name) => update(name, `/update/${name}`)),
      ),
  )
  const shown = (side: 'ours' | 'baseline') =>
    `${formatMs(compared[side])} (p99 ${formatMs(quantile(all[side], 0.99))})`
  return [
    {
      row: 'R5',
      description: 'update accepted, p50',
      ours: shown('ours'),
      baseline: shown('baseline'),
      ratio: compared.ratio,
      target: '<= 2',
      met: compared.ratio <= 2,
    },
  ]
}

/** Stands in for a runner whose config_check takes no time. */
function answerConfigCheckAtOnce(bench: Bench, prefix: string): void {
  const blocking = createBlockingConnection(bench.datastores.redisUrl, () => {})
  const commands = createCommandConnection(bench.datastores.redisUrl, () => {})
  const worker = serveScriptQueries(blocking, commands, prefix, 8, async () => ({ status: 'ok' }))
  bench.onClose(async () => {
    await worker.close()
    await Promise.all([closeRedis(blocking), closeRedis(commands)])
  })
}
