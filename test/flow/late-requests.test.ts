/**
 * A request acts while its client waits for it, or not at all: not after a 503, and not after a request with the same
 * key was refused. A proxy in front of PostgreSQL holds statements of one server back.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerResponse } from '../fault/harness/postgres/postgres-protocol.ts'
import { type PostgresProxy, startPostgresProxy } from '../fault/harness/postgres/postgres-proxy.ts'
import { type ApiClient, createApiClient, getActionId } from '../helpers/api-client.ts'
import { type System, startSystem } from '../helpers/system.ts'

let system: System
let proxy: PostgresProxy
/** `slow` reaches PostgreSQL through the proxy, with two connections; `octopod` does not use the proxy. */
let octopod: ApiClient
let slow: ApiClient
let slowUrl = ''
/** Called for each statement of `slow`; the statement waits for its promise. */
let onStatement: Parameters<typeof startPostgresProxy>[1] = () => 'pass'

before(async () => {
  system = await startSystem({ env: { CHECK_INTERVAL: '3600' } })
  proxy = await startPostgresProxy(system.databaseUrl, (statement) => onStatement?.(statement) ?? 'pass')
  const server = await system.startServer({ DATABASE_URL: proxy.url, DATABASE_POOL_SIZE: '2' })
  slowUrl = server.url
  octopod = createApiClient(system.url)
  slow = createApiClient(slowUrl)
})
afterEach(() => {
  onStatement = () => 'pass'
})
after(async () => {
  await system?.stop()
  await proxy?.close()
})

/** Holds the next statement that matches until `release`; `reached` resolves when the server has sent it. */
function holdNext(sql: RegExp) {
  const reached = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  const response = Promise.withResolvers<ServerResponse>()
  let isHolding = false
  onStatement = async (statement) => {
    if (isHolding || !sql.test(statement.sql)) return 'pass'
    isHolding = true
    reached.resolve()
    await released.promise
    return { onResponse: response.resolve }
  }
  return { reached: reached.promise, release: released.resolve, response: response.promise }
}

async function createRunning(name: string): Promise<void> {
  await octopod.create(name)
  await octopod.waitForStatus(name, 'Running')
}

/** What somebody else does meanwhile. */
async function archiveAndRestore(name: string): Promise<void> {
  assert.equal((await octopod.archive(name)).status, 200)
  await octopod.waitForStatus(name, 'Archived')
  assert.equal((await octopod.restore(name)).status, 200)
  await octopod.waitForStatus(name, 'Running')
}

const actionsOf = async (name: string) => (await octopod.actions(name)).map(({ action }) => action)

test('A request answered with 503 does not act when its database connection goes on', async () => {
  for (const [name, headers] of [
    ['without-key', {}],
    ['with-key', { 'Idempotency-Key': randomUUID() }],
  ] as const) {
    await createRunning(name)
    const held = holdNext(/enqueue_action\(/)
    const reply = await slow.update(name, { a: '1' }, headers)
    assert.equal(reply.status, 503, reply.text)
    await archiveAndRestore(name)
    held.release()
    await held.response
    assert.deepEqual(await actionsOf(name), ['RestoreAction', 'ArchiveAction', 'CreateAction'], name)
  }
})

test('A refusal holds against an earlier request with the same key that waits in a database connection', async () => {
  const [name, key, gate] = ['refused', { 'Idempotency-Key': randomUUID() }, join(system.dir, 'gate')]
  await createRunning(name)
  const held = holdNext(/enqueue_action\(/)
  const first = slow.update(name, { a: '1' }, key)
  await held.reached
  // Somebody else updates the deployment, and the repeated request is refused.
  const other = getActionId(await octopod.update(name, { 'behave.update': `wait ${gate}` }))
  const repeated = await octopod.update(name, { a: '1' }, key)
  assert.equal(repeated.status, 409, repeated.text)
  await writeFile(gate, '')
  await octopod.waitForActionEnd(other)
  await octopod.waitForStatus(name, 'Running')
  held.release()
  const late = await first
  assert.equal(late.status, 503, late.text)
  assert.match(late.text, /started nothing/)
  assert.deepEqual(await actionsOf(name), ['UpdateAction', 'CreateAction'])
  assert.equal((await octopod.update(name, { a: '1' }, key)).status, 200, 'a later request is a new decision')
})

test('A request whose client has left while it waited for a database connection does not act', async () => {
  const name = 'left'
  await createRunning(name)
  const busy = holdNext(/change_counts/)
  const others = [slow.api('GET', '/ping')]
  await busy.reached
  // On the other connection, the first statement of the request is held until another request waits behind it.
  const first = holdNext(/idempotency_keys/)
  const given = new AbortController()
  const request = fetch(`${slowUrl}/api/v1/deployments/${name}`, {
    method: 'DELETE',
    headers: { Authorization: system.adminHeader, 'Idempotency-Key': randomUUID() },
    signal: given.signal,
  })
  request.catch(() => {})
  await first.reached
  const second = holdNext(/change_counts/)
  others.push(slow.api('GET', '/ping'))
  // Until the other request waits for the connection too.
  await sleep(500)
  first.release()
  await second.reached
  given.abort()
  await assert.rejects(request, { name: 'AbortError' })
  second.release()
  busy.release()
  for (const other of others) assert.equal((await other).status, 200)
  // The request was the next one to get a connection.
  assert.equal((await slow.api('GET', '/ping')).status, 200)
  assert.deepEqual(await actionsOf(name), ['CreateAction'])
})
