/** PostgreSQL takes everything and answers nothing: the server says so in time, and what it says is true. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type ApiClient,
  type ApiResponse,
  createApiClient,
  getActionId,
  overrides,
} from '../helpers/api-client.ts'
import { type System, startSystem } from '../helpers/system.ts'
import { startTcpProxy, type TcpProxy } from '../helpers/tcp-proxy.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { withDatabase } from '../helpers/with-database.ts'

let system: System
let proxy: TcpProxy
/** By way of the proxy, through two connections; and past it. */
let octopod: ApiClient
let beside: ApiClient
let held: number

before(async () => {
  system = await startSystem({ env: { CHECK_INTERVAL: '3600' } })
  proxy = await startTcpProxy(system.databaseUrl)
  const server = await system.startServer({ DATABASE_URL: proxy.url, DATABASE_POOL_SIZE: '2' })
  octopod = createApiClient(server.url)
  beside = createApiClient(system.url)
  held = getActionId(await beside.create('held', { 'behave.create': 'hang' }))
  for (const name of ['up', 'forgotten', 'down', 'older']) await beside.create(name)
  for (const name of ['up', 'forgotten', 'down', 'older']) await beside.waitForStatus(name, 'Running')
  for (const name of ['down', 'older']) await beside.archive(name)
  for (const name of ['down', 'older']) await beside.waitForStatus(name, 'Archived')
})
afterEach(() => proxy.thaw())
after(async () => {
  await system?.stop()
  await proxy?.close()
})

const begunNothing = /has started nothing/
const notKnown = /accepted is not known.*same Idempotency-Key/

async function refusedInTime(asked: Promise<ApiResponse>, what: string): Promise<string> {
  const startedAt = Date.now()
  const reply = await asked
  const ms = Date.now() - startedAt
  assert.equal(reply.status, 503, `${what}: ${reply.text}`)
  assert.equal((reply.body as { code: string }).code, 'stores_away', what)
  assert.equal(reply.headers.get('retry-after'), '2')
  assert.ok(ms < 5000, `${what} was refused after ${ms} ms`)
  return reply.text
}

/** Has a request wait for a lock inside PostgreSQL, by the words of its query; then `meanwhile`; then the lock is gone. */
async function whileWaiting(query: string, asked: () => Promise<ApiResponse>, meanwhile: () => void) {
  return withDatabase(system.databaseUrl, async (other) => {
    await other.query('begin')
    await other.query('lock table deployments in access exclusive mode')
    const refused = refusedInTime(asked(), query)
    await waitFor('it waits', async () => {
      // By another session: a transaction sees one and the same picture of the others all the time.
      const { rowCount } = await withDatabase(system.databaseUrl, (third) =>
        third.query(
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
             and query like $1`,
          [`%${query}%`],
        ),
      )
      return { done: (rowCount ?? 0) > 0, value: null }
    })
    meanwhile()
    const words = await refused
    await other.query('rollback')
    return words
  })
}

async function thawed(): Promise<void> {
  proxy.thaw()
  await waitFor('the server answers again', async () => {
    const { status } = await octopod.api('GET', '/deployments')
    return { done: status === 200, value: null, seen: status }
  })
}

/** Every request that changes something: method, path, body. */
const set = { app_overrides: overrides({ 'image.tag': 'v2' }), deployment_overrides: [] }
const changes = {
  create: () => ['POST', '/deployments', { name: 'never', ...set }],
  update: () => ['PUT', '/deployments/up', set],
  restore: () => ['PATCH', '/deployments/down/restore'],
  archive: () => ['DELETE', '/deployments/up'],
  cleanup: () => ['DELETE', '/deployments/older/cleanup'],
  forget: () => ['DELETE', '/deployments/forgotten'],
  cancel: () => ['POST', `/actions/${held}/cancel`],
} satisfies Record<string, () => [method: string, path: string, body?: unknown]>
const looksFirst = ['create', 'update', 'restore']
const questions = [
  '/deployments',
  '/deployments/up/full_info',
  '/deployments/up/info',
  '/deployments/up/actions',
]

test('Every request fails in time, and a request answered with "nothing was started" has started nothing', async () => {
  const key = { 'Idempotency-Key': randomUUID() }
  proxy.freeze()
  // Twice: by the connections there were, and by those to come.
  for (const round of ['first', 'second']) {
    const asked = [
      ...questions.map(async (path) => {
        const words = await refusedInTime(octopod.api('GET', path), `${round} GET ${path}`)
        assert.doesNotMatch(words, notKnown)
      }),
      ...Object.entries(changes).flatMap(([change, request]) =>
        [{}, change === 'create' ? key : { 'Idempotency-Key': randomUUID() }].map(async (headers) => {
          const [method, path, body] = request()
          const words = await refusedInTime(octopod.api(method, path, body, headers), `${round} ${change}`)
          if (looksFirst.includes(change)) assert.match(words, begunNothing)
          else assert.ok(begunNothing.test(words) || notKnown.test(words), words)
        }),
      ),
    ]
    await Promise.all(asked)
  }
  await thawed()
  assert.equal((await beside.api('GET', '/deployments/never/full_info')).status, 404)
  const kinds = async (name: string) => (await beside.actions(name)).map(({ action }) => action)
  assert.deepEqual(await kinds('down'), ['ArchiveAction', 'CreateAction'])
  assert.ok(!(await kinds('up')).includes('UpdateAction'))

  const [method, path, body] = changes.create()
  const [first, again] = [
    await octopod.api(method, path, body, key),
    await octopod.api(method, path, body, key),
  ]
  assert.deepEqual([first.status, again.status], [200, 200])
  assert.equal(getActionId(first), getActionId(again))
})

test('The idempotency key is not looked up again after the database failed to answer', async () => {
  const words = await whileWaiting(
    'configRevision',
    () => octopod.create('hidden', {}, { 'Idempotency-Key': randomUUID() }),
    () => proxy.freeze(),
  )
  assert.match(words, begunNothing)
  await thawed()
  assert.equal((await beside.api('GET', '/deployments/hidden/full_info')).status, 404)
})

test('The answer says that a request may have been accepted, and a retry with the same key acts once', async () => {
  const gate = join(system.dir, 'gate')
  const headers = { 'Idempotency-Key': randomUUID() }
  await system.setBehavior('config_check', `wait ${gate}`)
  const asked = octopod.create('once', {}, headers)
  await waitFor('config_check runs', async () => ({
    done: (await system.scriptCalls('config_check')).some((call) => call.includes('once')),
    value: null,
  }))
  proxy.freeze()
  const refused = refusedInTime(asked, 'create')
  await writeFile(gate, '')
  assert.match(await refused, notKnown)
  await thawed()
  const again = await octopod.create('once', {}, headers)
  assert.equal(again.status, 200, again.text)
  await beside.waitForStatus('once', 'Running')
  const actions = await beside.actions('once')
  assert.deepEqual(
    actions.map(({ action_id }) => action_id),
    [getActionId(again)],
  )
  assert.equal((await system.scriptCalls('create')).filter((call) => call.includes('once')).length, 1)
})

test('The answer says that a request may have been accepted when its database connection breaks', async () => {
  for (const name of ['torn', 'torn-too']) await beside.create(name)
  for (const name of ['torn', 'torn-too']) await beside.waitForStatus(name, 'Running')
  const asks: [query: string, ask: () => Promise<ApiResponse>][] = [
    ['enqueue_action', () => octopod.archive('torn')],
    ['for update', () => octopod.api('DELETE', '/deployments/torn-too')],
    ['for update of a', () => octopod.api('POST', `/actions/${held}/cancel`)],
  ]
  for (const [query, ask] of asks)
    assert.match(await whileWaiting(query, ask, () => proxy.resetConnections()), notKnown, query)
})

test('Time spent waiting for a script does not count towards the request deadline', async () => {
  const gate = join(system.dir, 'slow-gate')
  const asked = octopod.create('slow', { 'behave.config_check': `wait ${gate}` })
  await sleep(4500)
  await writeFile(gate, '')
  const reply = await asked
  assert.equal(reply.status, 200, reply.text)
})
