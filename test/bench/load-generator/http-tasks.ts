/** Tasks that only send requests: as many as possible, or one after the other. */
import pg from 'pg'
import { openSender } from './http-sender.ts'
import type { Tasks } from './tasks.ts'

export async function requestRate({
  origin,
  requests,
  expect,
  lanes,
  ms,
}: Tasks['requestRate']['in']): Promise<Tasks['requestRate']['out']> {
  const sender = openSender(origin, lanes)
  let sent = 0
  let answered = 0
  let bytes = 0
  let from = 0
  const startedAt = performance.now()
  // The first quarter warms up and does not count.
  const countFrom = startedAt + ms / 4
  const until = startedAt + ms * 1.25
  const lane = async () => {
    while (performance.now() < until) {
      sent += 1
      const request = requests[sent % requests.length]
      if (request === undefined) throw new Error('no requests')
      const answer = await sender.send(request, expect)
      const now = performance.now()
      if (now < countFrom || now > until) continue
      from ||= now
      answered += 1
      bytes = answer.bytes
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  await sender.close()
  return { perSecond: (answered / (until - from)) * 1000, bytes }
}

export async function sequentialRequests({
  origin,
  requests,
  expect,
}: Tasks['sequentialRequests']['in']): Promise<Tasks['sequentialRequests']['out']> {
  const sender = openSender(origin, 1)
  const latenciesMs: number[] = []
  for (const request of requests) {
    const sentAt = performance.now()
    await sender.send(request, expect)
    latenciesMs.push(performance.now() - sentAt)
  }
  await sender.close()
  return { latenciesMs }
}

export async function requestsAfterChange(
  given: Tasks['requestsAfterChange']['in'],
): Promise<Tasks['requestsAfterChange']['out']> {
  const { origin, request, databaseUrl, change, count } = given
  const sender = openSender(origin, 1)
  const database = new pg.Client({ connectionString: databaseUrl })
  await database.connect()
  const latenciesMs: number[] = []
  let bytes = 0
  for (let done = 0; done < count; done += 1) {
    await database.query(change)
    const sentAt = performance.now()
    bytes = (await sender.send(request, 200)).bytes
    latenciesMs.push(performance.now() - sentAt)
  }
  await Promise.all([sender.close(), database.end()])
  return { latenciesMs, bytes }
}
