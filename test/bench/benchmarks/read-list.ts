/** R1 to R4: reads the list of 1,000 deployments, and one of them. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bench } from '../harness/bench.ts'
import { createFixture, get } from '../harness/fixture.ts'
import { type Comparison, compareInRounds, median } from '../harness/measure.ts'
import { startBaselineServer, startServer } from '../harness/programs.ts'
import type { Result } from '../harness/results.ts'
import { formatKilobytes, formatRate } from '../harness/results.ts'
import { seed } from '../harness/seed.ts'
import type { HttpRequest } from '../load-generator/tasks.ts'

const list = '/api/v1/deployments'
const count = 1000
const rounds = 3
const ms = 1000

export async function readList(bench: Bench, selected: ReadonlySet<string>): Promise<Result[]> {
  const fixture = await createFixture(bench)
  const names = await seed(fixture.octopod.databaseUrl, { count })
  const octopod = await startServer(bench, fixture.octopod)
  const { bytes, etag } = await fetchList(octopod.origin)
  const file = join(bench.folder, bench.uniqueName('list.json'))
  writeFileSync(file, bytes)
  const baseline = await startBaselineServer(bench, fixture.baseline, { BASELINE_BYTES_FILE: file })

  const measureRate = async (origin: string, requests: HttpRequest[], expect: number, lanes: number) =>
    (await bench.load.run('requestRate', { origin, requests, expect, lanes, ms })).perSecond
  const rates = (
    lanes: number,
    expect: number,
    octopodRequests: HttpRequest[],
    baselineRequests: HttpRequest[],
  ) =>
    compareInRounds(
      rounds,
      () => measureRate(octopod.origin, octopodRequests, expect, lanes),
      () => measureRate(baseline.origin, baselineRequests, expect, lanes),
    )
  const change = `update deployments set revision = default where name = '${names[0]}'`
  const changed = async (origin: string, request: HttpRequest) => {
    const databaseUrl = fixture.octopod.databaseUrl
    const { latenciesMs } = await bench.load.run('requestsAfterChange', {
      origin,
      request,
      databaseUrl,
      change,
      count: 30,
    })
    return 1000 / median(latenciesMs)
  }

  const results: Result[] = []
  const add = (row: string, description: string, least: number, compared: Comparison) =>
    results.push({
      row,
      description,
      octopod: formatRate(compared.octopod),
      baseline: formatRate(compared.baseline),
      ratio: compared.ratio,
      target: `>= ${least}`,
      met: compared.ratio >= least,
    })
  const size = formatKilobytes(bytes.length)
  if (selected.has('R1')) {
    add('R1', `list, unchanged (${size})`, 0.5, await rates(8, 200, [get(list)], [get('/memory')]))
  }
  if (selected.has('R2')) {
    const compared = await compareInRounds(
      rounds,
      () => changed(octopod.origin, get(list)),
      () => changed(baseline.origin, get('/built')),
    )
    add('R2', `list, changed before each (${size})`, 0.8, compared)
  }
  if (selected.has('R3')) {
    const now = (await fetchList(octopod.origin)).etag
    add('R3', 'list, 304', 0.5, await rates(32, 304, [get(list, now)], [get('/small', etag)]))
  }
  if (selected.has('R4')) {
    const octopodRequests = names.map((name) => get(`${list}/${name}/full_info`))
    const baselineRequests = names.map((name) => get(`/row/${name}`))
    add('R4', 'one full_info', 0.6, await rates(32, 200, octopodRequests, baselineRequests))
  }
  return results
}

async function fetchList(origin: string): Promise<{ bytes: Uint8Array; etag: string }> {
  const response = await fetch(origin + list)
  return { bytes: new Uint8Array(await response.arrayBuffer()), etag: response.headers.get('etag') ?? '' }
}
