/** Repeated requests with an Idempotency-Key act once. */
import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ApiClient, createApiClient, getActionId } from '../helpers/api-client.ts'
import { type System, startSystem } from '../helpers/system.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { withDatabase } from '../helpers/with-database.ts'

let system: System
let octopod: ApiClient
before(async () => {
  system = await startSystem()
  octopod = createApiClient(system.url)
})
after(() => system?.stop())

test('Ten concurrent requests with the same key to two servers start one action', async () => {
  const other = createApiClient((await system.startServer()).url)
  const key = { 'Idempotency-Key': randomUUID() }
  const replies = await Promise.all(
    Array.from({ length: 10 }, (_, at) => (at % 2 === 0 ? octopod : other).create('once', {}, key)),
  )
  assert.deepEqual(
    replies.map((reply) => reply.status),
    Array(10).fill(200),
  )
  assert.equal(new Set(replies.map(getActionId)).size, 1)
  await octopod.waitForStatus('once', 'Running')
  assert.equal((await octopod.create('once', {}, key)).status, 200, 'also after the action has ended')
  assert.equal((await system.scriptCalls('create')).length, 1)
})

test('The same key for a different request is rejected', async () => {
  const key = { 'Idempotency-Key': randomUUID() }
  await octopod.create('first', {}, key)
  const reply = await octopod.create('second', {}, key)
  assert.equal(reply.status, 422)
  assert.match(reply.text, /idempotency_key_reused/)
})

test('With the same fingerprint a key stands for the same request although its body differs', async () => {
  await octopod.create('made')
  await octopod.waitForStatus('made', 'Running')
  const key = { 'Idempotency-Key': randomUUID(), 'Octopod-Fingerprint': 'a=1' }
  const first = await octopod.update('made', { a: '1' }, key)
  assert.equal(first.status, 200, first.text)
  await octopod.waitForStatus('made', 'Running')
  const again = await octopod.update('made', { b: '2', a: '1' }, key)
  assert.equal(getActionId(again), getActionId(first), again.text)
  const fingerprinted = async (fingerprint: string) =>
    (await octopod.update('made', { a: '1' }, { ...key, 'Octopod-Fingerprint': fingerprint })).status
  assert.deepEqual([await fingerprinted('a=2'), await fingerprinted('a = 1')], [422, 400])
})

test('A rejected request does not use up its key', async () => {
  const key = { 'Idempotency-Key': randomUUID() }
  await octopod.create('taken')
  await octopod.waitForStatus('taken', 'Running')
  assert.equal((await octopod.api('DELETE', '/deployments/taken/cleanup', undefined, key)).status, 409)
  await octopod.archive('taken')
  await octopod.waitForStatus('taken', 'Archived')
  assert.equal((await octopod.api('DELETE', '/deployments/taken/cleanup', undefined, key)).status, 200)
  await octopod.waitUntilDeleted('taken')
  assert.equal(
    (await octopod.api('DELETE', '/deployments/taken/cleanup', undefined, key)).status,
    200,
    'already deleted',
  )
})

test('A retry rejected because of the action of the first request gets the first answer', async () => {
  const key = randomUUID()
  const body = JSON.stringify({ name: 'overtaken', app_overrides: [], deployment_overrides: [] })
  const fingerprint = createHash('sha256').update(`POST /api/v1/deployments\n${body}`).digest('base64url')
  const enqueue = `select action_id from enqueue_action('overtaken', 'create', '{}', 'CreatePending', null, null,
    'ann', 'api', null, true, $1, $2, null)`
  await withDatabase(system.databaseUrl, async (first) => {
    await first.query('begin')
    // The retry has not found its key, and waits here to read the deployment.
    await first.query('lock table deployments in access exclusive mode')
    const retry = octopod.api('POST', '/deployments', body, { 'Idempotency-Key': key })
    await waitFor('the retry waits', async () => {
      // In another session: within one transaction pg_stat_activity does not change.
      const { rowCount } = await withDatabase(system.databaseUrl, (other) =>
        other.query(
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
             and query like '%configRevision%'`,
        ),
      )
      return { done: (rowCount ?? 0) > 0, value: null }
    })
    const { rows } = await first.query(enqueue, [`admin ${key}`, fingerprint])
    await first.query('commit')
    const reply = await retry
    assert.equal(reply.status, 200, reply.text)
    assert.equal(getActionId(reply), Number(rows[0].action_id))
  })
})

test('A frozen server does not start a request whose client has disconnected', async () => {
  const slow = await system.startServer()
  await octopod.create('given-up')
  await octopod.waitForStatus('given-up', 'Running')
  const key = { 'Idempotency-Key': randomUUID() }
  const send = (url: string) =>
    fetch(`${url}/api/v1/deployments/given-up`, {
      method: 'DELETE',
      headers: { Authorization: system.adminHeader, ...key },
      signal: AbortSignal.timeout(500),
    })
  slow.signal('SIGSTOP')
  await assert.rejects(send(slow.url), { name: 'TimeoutError' })
  slow.signal('SIGCONT')
  await waitFor('the server runs again', async () => {
    const { ok } = await fetch(`${slow.url}/healthz`)
    return { done: ok, value: null }
  })
  await sleep(500)
  const [last] = await octopod.actions('given-up')
  assert.equal(last?.action, 'CreateAction', 'no action was started')
  assert.equal((await send(system.url)).status, 200, 'the key is unused')
  await slow.stop()
})
