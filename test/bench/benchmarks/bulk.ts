/** One request that changes 100 deployments, compared with 100 requests of one each, as many at a time as the server decides of one. */
import type { Bench } from '../harness/bench.ts'
import { createFixture } from '../harness/fixture.ts'
import { compareInRounds } from '../harness/measure.ts'
import { authorization, startServer } from '../harness/programs.ts'
import { formatMs, type Result } from '../harness/results.ts'
import { resetActions, seed } from '../harness/seed.ts'
import { answerConfigCheckAtOnce } from './accept-update.ts'

const count = 100
const rounds = 7
/** As in functions/bulk/change-many.ts. */
const lanes = { label: 4, set: 2 }
const most = 1.2

type Operation = keyof typeof lanes

export async function bulk(bench: Bench): Promise<Result[]> {
  const { octopod: stores } = await createFixture(bench)
  const names = await seed(stores.databaseUrl, { count })
  const { origin } = await startServer(bench, stores)
  answerConfigCheckAtOnce(bench, stores.prefix)
  let version = 0
  const measure = async (send: (value: string) => Promise<void>) => {
    await resetActions(stores.databaseUrl, 'Running')
    version += 1
    const start = performance.now()
    await send(`v${version}`)
    return performance.now() - start
  }
  const results: Result[] = []
  for (const operation of ['label', 'set'] as const) {
    const compared = await compareInRounds(
      rounds,
      () => measure((value) => sendAtOnce(origin, operation, names, value)),
      () => measure((value) => sendEach(origin, operation, names, value)),
    )
    results.push({
      row: 'bulk',
      description: `${operation === 'label' ? 'labels' : 'a config key'} of ${count} deployments, one request`,
      octopod: formatMs(compared.octopod),
      baseline: formatMs(compared.baseline),
      ratio: compared.ratio,
      target: `<= ${most}`,
      met: compared.ratio <= most,
    })
  }
  return results
}

async function sendAtOnce(
  origin: string,
  operation: Operation,
  names: string[],
  value: string,
): Promise<void> {
  const change =
    operation === 'label'
      ? { labels: { set: { version: value } } }
      : { override: { level: 'application', key: 'image.tag', value } }
  const text = await send(origin, 'POST', '/bulk', { operation, names, ...change })
  const accepted = text.split('"accepted"').length - 1
  if (accepted !== names.length)
    throw new Error(`only ${accepted} of ${names.length} were accepted: ${text.slice(0, 300)}`)
}

async function sendEach(origin: string, operation: Operation, names: string[], value: string): Promise<void> {
  const waiting = [...names]
  const sendNext = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      if (operation === 'label')
        await send(origin, 'PATCH', `/deployments/${name}/labels`, { set: { version: value } })
      else await send(origin, 'PUT', `/deployments/${name}`, updateTo(value))
    }
  }
  await Promise.all(Array.from({ length: lanes[operation] }, sendNext))
}

const updateTo = (value: string) => ({
  app_overrides: [
    ['image.tag', { tag: 'ValueAdded', contents: value }],
    ['replicas', { tag: 'ValueAdded', contents: '2' }],
  ],
  deployment_overrides: [],
})

async function send(origin: string, method: string, path: string, body: object): Promise<string> {
  const headers = { authorization, 'content-type': 'application/json' }
  const response = await fetch(`${origin}/api/v1${path}`, { method, headers, body: JSON.stringify(body) })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 300)}`)
  return text
}
