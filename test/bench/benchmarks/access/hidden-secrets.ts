/** R17: what hiding secrets costs: the requests of R1 to R4 by somebody without the right see_secrets, compared with an admin. */
import type { Bench } from '../../harness/bench.ts'
import { query } from '../../harness/datastores.ts'
import { createFixture, get } from '../../harness/fixture.ts'
import { compareInRounds, median } from '../../harness/measure.ts'
import { startServer } from '../../harness/programs.ts'
import { formatRate, type Result } from '../../harness/results.ts'
import { seed } from '../../harness/seed.ts'
import type { HttpRequest } from '../../load-generator/tasks.ts'

const list = '/api/v1/deployments'
const count = 1000
const rounds = 5
const ms = 1000
const least = 0.8

/** Two of the ten overrides of a deployment are secret. */
const overrides = JSON.stringify(
  [
    ['db.password', 'correct-horse-battery'],
    ['db.url', 'postgres://app:correct-horse@db/app'],
    ...Array.from({ length: 8 }, (_, at) => [`feature.number-${at}`, `value ${at}`]),
  ].map(([key, contents]) => [key, { tag: 'ValueAdded', contents }]),
)

export async function hiddenSecrets(bench: Bench): Promise<Result[]> {
  const { octopod: stores } = await createFixture(bench)
  const names = await seed(stores.databaseUrl, { count })
  await query(stores.databaseUrl, 'update deployments set app_overrides = $1', [overrides])
  const { origin } = await startServer(bench, stores, { REQUEST_LIMIT: '0' })
  const withoutRight = ({ headers: { authorization: _, ...headers } = {}, ...request }: HttpRequest) => ({
    ...request,
    headers,
  })
  const rate = async (requests: HttpRequest[], expect: number, lanes: number) =>
    (await bench.load.run('requestRate', { origin, requests, expect, lanes, ms })).perSecond
  const change = `update deployments set revision = default where name = '${names[0]}'`
  const afterChange = async (request: HttpRequest) => {
    const task = { origin, request, databaseUrl: stores.databaseUrl, change, count: 30 }
    const { latenciesMs } = await bench.load.run('requestsAfterChange', task)
    return 1000 / median(latenciesMs)
  }
  const etagOf = async (headers: Record<string, string>) =>
    (await fetch(origin + list, { headers })).headers.get('etag') ?? ''

  const results: Result[] = []
  const add = async (description: string, hidden: () => Promise<number>, shown: () => Promise<number>) => {
    const compared = await compareInRounds(rounds, hidden, shown)
    results.push({
      row: 'R17',
      description: `${description}, secrets hidden`,
      octopod: formatRate(compared.octopod),
      baseline: formatRate(compared.baseline),
      ratio: compared.ratio,
      target: `>= ${least}`,
      met: compared.ratio >= least,
    })
  }
  const both = (requests: HttpRequest[], expect: number, lanes: number) =>
    [() => rate(requests.map(withoutRight), expect, lanes), () => rate(requests, expect, lanes)] as const
  await add('list, unchanged', ...both([get(list)], 200, 8))
  await add(
    'list, changed before each',
    () => afterChange(withoutRight(get(list))),
    () => afterChange(get(list)),
  )
  const known = get(list, await etagOf(get(list).headers ?? {}))
  const knownWithoutRight = withoutRight(get(list, await etagOf({})))
  await add(
    'list, 304',
    () => rate([knownWithoutRight], 304, 32),
    () => rate([known], 304, 32),
  )
  const single = names.map((name) => get(`${list}/${name}/full_info`))
  await add('one full_info', ...both(single, 200, 32))
  return results
}
