/** R5: the time until an update is accepted. config_check is answered at once. */
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
  const fixture = await createFixture(bench)
  const names = await seed(fixture.octopod.databaseUrl, { count: 200 })
  const octopod = await startServer(bench, fixture.octopod)
  const baseline = await startBaselineServer(bench, fixture.baseline)
  answerConfigCheckAtOnce(bench, fixture.octopod.prefix)

  const all: Record<'octopod' | 'baseline', number[]> = { octopod: [], baseline: [] }
  const accept = async (side: 'octopod' | 'baseline', origin: string, requests: HttpRequest[]) => {
    await resetActions(fixture.octopod.databaseUrl, 'Running')
    const { latenciesMs } = await bench.load.run('sequentialRequests', { origin, requests, expect: 200 })
    all[side].push(...latenciesMs)
    return median(latenciesMs)
  }
  const compared = await compareInRounds(
    rounds,
    () =>
      accept(
        'octopod',
        octopod.origin,
        names.map((name) => update(name)),
      ),
    () =>
      accept(
        'baseline',
        baseline.origin,
        names.map((name) => update(name, `/update/${name}`)),
      ),
  )
  const shown = (side: 'octopod' | 'baseline') =>
    `${formatMs(compared[side])} (p99 ${formatMs(quantile(all[side], 0.99))})`
  return [
    {
      row: 'R5',
      description: 'update accepted, p50',
      octopod: shown('octopod'),
      baseline: shown('baseline'),
      ratio: compared.ratio,
      target: '<= 2',
      met: compared.ratio <= 2,
    },
  ]
}

/** Answers script queries in place of a runner; its config_check takes no time. */
export function answerConfigCheckAtOnce(bench: Bench, prefix: string): void {
  const blocking = createBlockingConnection(bench.datastores.redisUrl, () => {})
  const commands = createCommandConnection(bench.datastores.redisUrl, () => {})
  const concurrency = { scriptQueries: 1, configChecks: 8 }
  const answer = async () => ({ status: 'ok' as const })
  const { workers } = serveScriptQueries(blocking, commands, prefix, concurrency, answer)
  bench.onClose(async () => {
    await Promise.all(Object.values(workers).map((worker) => worker.close()))
    await Promise.all([closeRedis(blocking), closeRedis(commands)])
  })
}
