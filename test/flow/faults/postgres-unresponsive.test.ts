/** PostgreSQL accepts connections and never answers: the server answers in time, and its answers are true. */
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
} from '../../helpers/api-client.ts'
import { type System, startSystem } from '../../helpers/system.ts'
import { startTcpProxy, type TcpProxy } from '../../helpers/tcp-proxy.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { withDatabase } from '../../helpers/with-database.ts'

let system: System
let proxy: TcpProxy
/** `octopod` reaches PostgreSQL through the proxy, with two connections; `direct` does not use the proxy. */
let octopod: ApiClient
let direct: ApiClient
let runningAction: number

before(async () => {
  system = await startSystem({ env: { CHECK_INTERVAL: '3600' } })
  proxy = await startTcpProxy(system.databaseUrl)
  const server = await system.startServer({ DATABASE_URL: proxy.url, DATABASE_POOL_SIZE: '2' })
  octopod = createApiClient(server.url)
  direct = createApiClient(system.url)
  runningAction = getActionId(await direct.create('hanging', { 'behave.create': 'hang' }))
  for (const name of ['up', 'deleted', 'down', 'older']) await direct.create(name)
  for (const name of ['up', 'deleted', 'down', 'older']) await direct.waitForStatus(name, 'Running')
  for (const name of ['down', 'older']) await direct.archive(name)
  for (const name of ['down', 'older']) await direct.waitForStatus(name, 'Archived')
})
afterEach(() => proxy.thaw())
after(async () => {
  await system?.stop()
  await proxy?.close()
})

const nothingStarted = /has started nothing/
const outcomeUnknown = /accepted is not known.*same Idempotency-Key/

async function failsInTime(response: Promise<ApiResponse>, title: string): Promise<string> {
  const startedAt = Date.now()
  const reply = await response
  const ms = Date.now() - startedAt
  assert.equal(reply.status, 503, `${title}: ${reply.text}`)
  assert.equal((reply.body as { code: string }).code, 'service_unavailable', title)
  assert.equal(reply.headers.get('retry-after'), '2')
  assert.ok(ms < 5000, `${title} was refused after ${ms} ms`)
  return reply.text
}

/**
 * Sends a request and has its query, which contains `query`, wait for a lock in PostgreSQL; then calls `interrupt` and
 * releases the lock. Returns the text of the answer.
 */
async function whileWaitingForLock(query: string, send: () => Promise<ApiResponse>, interrupt: () => void) {
  return withDatabase(system.databaseUrl, async (other) => {
    await other.query('begin')
    await other.query('lock table deployments in access exclusive mode')
    const failed = failsInTime(send(), query)
    await waitFor('the query waits', async () => {
      // In another session: within one transaction pg_stat_activity does not change.
      const { rowCount } = await withDatabase(system.databaseUrl, (third) =>
        third.query(
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
             and query like $1`,
          [`%${query}%`],
        ),
      )
      return { done: (rowCount ?? 0) > 0, value: null }
    })
    interrupt()
    const text = await failed
    await other.query('rollback')
    return text
  })
}

async function waitUntilThawed(): Promise<void> {
  proxy.thaw()
  await waitFor('the server answers again', async () => {
    const { status } = await octopod.api('GET', '/deployments')
    return { done: status === 200, value: null, seen: status }
  })
}

const newOverrides = { app_overrides: overrides({ 'image.tag': 'v2' }), deployment_overrides: [] }
/** Every request that changes state: method, path, body. */
const changes = {
  create: () => ['POST', '/deployments', { name: 'never', ...newOverrides }],
  update: () => ['PUT', '/deployments/up', newOverrides],
  restore: () => ['PATCH', '/deployments/down/restore'],
  archive: () => ['DELETE', '/deployments/up'],
  cleanup: () => ['DELETE', '/deployments/older/cleanup'],
  delete: () => ['DELETE', '/deployments/deleted/delete'],
  cancel: () => ['POST', `/actions/${runningAction}/cancel`],
} satisfies Record<string, () => [method: string, path: string, body?: unknown]>
const checksFirst = ['create', 'update', 'restore']
const reads = ['/deployments', '/deployments/up/full_info', '/deployments/up/info', '/deployments/up/actions']

test('Every request fails in time, and a request answered with "nothing was started" has started nothing', async () => {
  const key = { 'Idempotency-Key': randomUUID() }
  proxy.freeze()
  // Twice: on the open connections, and on new ones.
  for (const round of ['first', 'second']) {
    const requests = [
      ...reads.map(async (path) => {
        const text = await failsInTime(octopod.api('GET', path), `${round} GET ${path}`)
        assert.doesNotMatch(text, outcomeUnknown)
      }),
      ...Object.entries(changes).flatMap(([change, request]) =>
        [{}, change === 'create' ? key : { 'Idempotency-Key': randomUUID() }].map(async (headers) => {
          const [method, path, body] = request()
          const text = await failsInTime(octopod.api(method, path, body, headers), `${round} ${change}`)
          if (checksFirst.includes(change)) assert.match(text, nothingStarted)
          else assert.ok(nothingStarted.test(text) || outcomeUnknown.test(text), text)
        }),
      ),
    ]
    await Promise.all(requests)
  }
  await waitUntilThawed()
  assert.equal((await direct.api('GET', '/deployments/never/full_info')).status, 404)
  const kinds = async (name: string) => (await direct.actions(name)).map(({ action }) => action)
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
  const text = await whileWaitingForLock(
    'configRevision',
    () => octopod.create('hidden', {}, { 'Idempotency-Key': randomUUID() }),
    () => proxy.freeze(),
  )
  assert.match(text, nothingStarted)
  await waitUntilThawed()
  assert.equal((await direct.api('GET', '/deployments/hidden/full_info')).status, 404)
})

test('The answer says that a request may have been accepted, and a retry with the same key acts once', async () => {
  const gate = join(system.dir, 'gate')
  const headers = { 'Idempotency-Key': randomUUID() }
  await system.setBehavior('config_check', `wait ${gate}`)
  const response = octopod.create('once', {}, headers)
  await waitFor('config_check runs', async () => ({
    done: (await system.scriptCalls('config_check')).some((call) => call.includes('once')),
    value: null,
  }))
  proxy.freeze()
  const failed = failsInTime(response, 'create')
  await writeFile(gate, '')
  assert.match(await failed, outcomeUnknown)
  await waitUntilThawed()
  const again = await octopod.create('once', {}, headers)
  assert.equal(again.status, 200, again.text)
  await direct.waitForStatus('once', 'Running')
  const actions = await direct.actions('once')
  assert.deepEqual(
    actions.map(({ action_id }) => action_id),
    [getActionId(again)],
  )
  assert.equal((await system.scriptCalls('create')).filter((call) => call.includes('once')).length, 1)
})

test('The answer says that a request may have been accepted when its database connection breaks', async () => {
  for (const name of ['interrupted', 'interrupted-2']) await direct.create(name)
  for (const name of ['interrupted', 'interrupted-2']) await direct.waitForStatus(name, 'Running')
  const requests: [query: string, send: () => Promise<ApiResponse>][] = [
    ['enqueue_action', () => octopod.archive('interrupted')],
    [
      'select d.id, d.status, case when d.owner_subject',
      () => octopod.api('DELETE', '/deployments/interrupted-2/delete'),
    ],
    ['isRequested', () => octopod.api('POST', `/actions/${runningAction}/cancel`)],
  ]
  for (const [query, send] of requests)
    assert.match(
      await whileWaitingForLock(query, send, () => proxy.resetConnections()),
      outcomeUnknown,
      query,
    )
})

test('Time spent waiting for a script does not count towards the request deadline', async () => {
  const gate = join(system.dir, 'slow-gate')
  const response = octopod.create('slow', { 'behave.config_check': `wait ${gate}` })
  await sleep(4500)
  await writeFile(gate, '')
  const reply = await response
  assert.equal(reply.status, 200, reply.text)
})
