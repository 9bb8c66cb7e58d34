/** How the cost grows with the amount of data: the list, and one deployment, each with ten times as much. */
import type { Bench } from '../harness/bench.ts'
import { archive, createFixture, get } from '../harness/fixture.ts'
import { median } from '../harness/measure.ts'
import { startServer } from '../harness/programs.ts'
import { formatKilobytes, formatMs } from '../harness/results.ts'
import { addHistory, resetActions, seed } from '../harness/seed.ts'

const list = '/api/v1/deployments'
export type Table = { title: string; head: string[]; rows: string[][] }

/** One row for each size; the first cell names it. */
export async function growth(bench: Bench): Promise<Table> {
  const rows: string[][] = []
  for (const count of [10, 100, 1000, 10_000]) rows.push(await measureList(bench, count))
  rows.push(...(await measureHistories(bench)))
  return {
    title: 'How the cost grows:',
    head: ['amount', 'size', 'GET after a change', 'GET 304', 'change to event', 'full_info'],
    rows,
  }
}

async function measureList(bench: Bench, count: number): Promise<string[]> {
  const fixture = await createFixture(bench)
  const { databaseUrl } = fixture.octopod
  const names = await seed(databaseUrl, { count, status: 'ArchivePending' })
  const { origin, eventsUrl, stop } = await startServer(bench, fixture.octopod)
  const change = `update deployments set revision = default where name = '${names[0]}'`
  const fresh = await bench.load.run('requestsAfterChange', {
    origin,
    request: get(list),
    databaseUrl,
    change,
    count: count > 1000 ? 10 : 30,
  })
  const etag = (await fetch(origin + list)).headers.get('etag') ?? ''
  const same = await bench.load.run('sequentialRequests', {
    origin,
    requests: Array.from({ length: 200 }, () => get(list, etag)),
    expect: 304,
  })
  const times: number[] = []
  for (let round = 0; round < 3; round += 1) {
    await resetActions(databaseUrl, 'ArchivePending')
    const requests = names.slice(0, 10).map(archive)
    const { latenciesMs, messages } = await bench.load.run('firstEvent', {
      origin,
      events: eventsUrl,
      requests,
    })
    if (messages !== requests.length) throw new Error(`${messages} events for ${requests.length} changes`)
    if (round > 0) times.push(...latenciesMs)
  }
  const one = await bench.load.run('sequentialRequests', {
    origin,
    requests: Array.from({ length: 200 }, () => get(`${list}/${names[0]}/full_info`)),
    expect: 200,
  })
  await stop()
  return [
    `${count.toLocaleString('en')} deployments`,
    formatKilobytes(fresh.bytes),
    formatMs(median(fresh.latenciesMs)),
    formatMs(median(same.latenciesMs)),
    formatMs(median(times)),
    formatMs(median(one.latenciesMs)),
  ]
}

async function measureHistories(bench: Bench): Promise<string[][]> {
  const fixture = await createFixture(bench)
  const [name = ''] = await seed(fixture.octopod.databaseUrl, { count: 1 })
  const { origin } = await startServer(bench, fixture.octopod)
  const rows: string[][] = []
  let actionCount = 1
  for (const count of [10, 1000, 10_000, 100_000]) {
    await addHistory(fixture.octopod.databaseUrl, name, count - actionCount)
    actionCount = count
    const path = `${list}/${name}/full_info`
    const { latenciesMs } = await bench.load.run('sequentialRequests', {
      origin,
      requests: Array.from({ length: 300 }, () => get(path)),
      expect: 200,
    })
    const size = formatKilobytes((await (await fetch(origin + path)).arrayBuffer()).byteLength)
    rows.push([
      `${count.toLocaleString('en')} actions of one deployment`,
      size,
      '',
      '',
      '',
      formatMs(median(latenciesMs)),
    ])
  }
  return rows
}
