/** R15 and R16: what signed-in people cost, compared with a shared credential and with one class of visibility. */
import { hash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bench } from '../../harness/bench.ts'
import { query } from '../../harness/datastores.ts'
import { createFixture, get, update } from '../../harness/fixture.ts'
import { type Comparison, compareInRounds, median } from '../../harness/measure.ts'
import { type StoreAddresses, startServer, type WebProgram } from '../../harness/programs.ts'
import { formatMs, type Result } from '../../harness/results.ts'
import { resetActions, seed } from '../../harness/seed.ts'
import type { HttpRequest } from '../../load-generator/tasks.ts'
import { answerConfigCheckAtOnce } from '../accept-update.ts'
import { fetchChangeEvent } from '../websocket-fanout.ts'

const list = '/api/v1/deployments'
const count = 1000
const classes = 20
const sockets = 5000
/** The server never asks the provider: the sessions are written into the database. */
const issuer = 'http://127.0.0.1:9'
const appUrl = 'http://127.0.0.1:8'

export async function identity(bench: Bench, selected: ReadonlySet<string>): Promise<Result[]> {
  const { octopod: stores } = await createFixture(bench)
  const names = await seed(stores.databaseUrl, { count })
  const server = await startServer(bench, stores, {
    REQUEST_LIMIT: '0',
    APP_URL: appUrl,
    OIDC_ISSUER: issuer,
    OIDC_CLIENT_ID: 'bench',
    OCTOPOD_POLICY: writePolicy(bench),
  })
  return [
    ...(selected.has('R15') ? await measureSession(bench, stores, server, names) : []),
    ...(selected.has('R16') ? await measureClasses(bench, stores, server) : []),
  ]
}

/** Each class sees all deployments of the bench, and other names that no other class sees. */
function writePolicy(bench: Bench): string {
  const file = join(bench.folder, bench.uniqueName('policy.yaml'))
  const rules = Array.from(
    { length: classes },
    (_, at) => `  - { group: class-${at}, role: operator, names: ["d-*", "class-${at}-*"] }`,
  )
  writeFileSync(file, ['version: 1', 'rules:', '  - { group: admins, role: admin }', ...rules, ''].join('\n'))
  return file
}

/** Returns the headers of requests with a new session. */
async function createSession(
  { databaseUrl }: StoreAddresses,
  group: string,
): Promise<Record<string, string>> {
  const sessionId = hash('sha256', group, 'base64url')
  const groups = [group, ...Array.from({ length: 20 }, (_, at) => `other-group-${at}`)]
  await query(
    databaseUrl,
    `insert into sessions (token_hash, proof, issuer, subject, name, groups, expires_at, address)
     values (decode($1, 'hex'), 'oidc', $2, $3, $3, $4, now() + interval '1 hour', '127.0.0.1')`,
    [hash('sha256', sessionId), issuer, `person of ${group}`, JSON.stringify(groups)],
  )
  return { cookie: `octopod-${hash('sha256', appUrl).slice(0, 8)}=${sessionId}`, origin: appUrl }
}

async function measureSession(
  bench: Bench,
  stores: StoreAddresses,
  { origin }: WebProgram,
  names: readonly string[],
): Promise<Result[]> {
  answerConfigCheckAtOnce(bench, stores.prefix)
  const session = await createSession(stores, 'admins')
  const withSession = ({ headers = {}, ...request }: HttpRequest): HttpRequest => {
    const { authorization: _, ...others } = headers
    return { ...request, headers: { ...others, ...session } }
  }
  const response = await fetch(origin + list, { headers: session })
  if (response.status !== 200) throw new Error(`the session is not accepted: ${response.status}`)
  const etag = response.headers.get('etag') ?? ''
  await response.arrayBuffer()

  const notModified = async (request: HttpRequest) => {
    const rate = await bench.load.run('requestRate', {
      origin,
      requests: [request],
      expect: 304,
      lanes: 32,
      ms: 1000,
    })
    return 1000 / rate.perSecond
  }
  const unchanged = get(list, etag)
  const r3 = await compareInRounds(
    7,
    () => notModified(withSession(unchanged)),
    () => notModified(unchanged),
  )
  const accept = async (requests: HttpRequest[]) => {
    await resetActions(stores.databaseUrl, 'Running')
    const { latenciesMs } = await bench.load.run('sequentialRequests', { origin, requests, expect: 200 })
    return median(latenciesMs)
  }
  const updates = names.slice(0, 200).map((name) => update(name))
  const r5 = await compareInRounds(
    7,
    () => accept(updates.map(withSession)),
    () => accept(updates),
  )
  return [
    toResult('R15', 'session cookie: list, 304; shared credential', r3, 1.15),
    toResult('R15', 'session cookie: update accepted, p50; shared credential', r5, 1.15),
  ]
}

async function measureClasses(bench: Bench, stores: StoreAddresses, server: WebProgram): Promise<Result[]> {
  const { load, datastores } = bench
  const sessions = await Promise.all(
    Array.from({ length: classes }, (_, at) => createSession(stores, `class-${at}`)),
  )
  const message = await fetchChangeEvent(server)
  const lastOf = async (headers: Record<string, string>[]) => {
    await load.run('connect', { events: server.eventsUrl, clients: sockets, headers })
    const { lastMs } = await load.run('broadcast', {
      redisUrl: datastores.redisUrl,
      channel: `${stores.prefix}:changes`,
      message,
      count: 20,
    })
    await load.run('disconnect', {})
    return median(lastMs)
  }
  const compared = await compareInRounds(
    6,
    () => lastOf(sessions),
    () => lastOf(sessions.slice(0, 1)),
  )
  return [
    toResult(
      'R16',
      `the last of ${sockets} clients of ${classes} classes has an event; of one class`,
      compared,
      1.3,
    ),
  ]
}

const toResult = (
  row: string,
  description: string,
  { octopod, baseline, ratio }: Comparison,
  most: number,
): Result => ({
  row,
  description,
  octopod: formatMs(octopod),
  baseline: formatMs(baseline),
  ratio,
  target: `<= ${most}`,
  met: ratio <= most,
})
