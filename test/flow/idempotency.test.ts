import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { actionIdOf, type Client, clientOf } from '../helpers/client.ts'
import { type System, startSystem } from '../helpers/system.ts'

let system: System
let octopod: Client
before(async () => {
  system = await startSystem()
  octopod = clientOf(system.url)
})
after(() => system?.stop())

test('the same key acts once, also when asked ten times at once and of two servers', async () => {
  const other = clientOf((await system.startServer()).url)
  const key = { 'Idempotency-Key': randomUUID() }
  const replies = await Promise.all(
    Array.from({ length: 10 }, (_, at) => (at % 2 === 0 ? octopod : other).create('once', {}, key)),
  )
  assert.deepEqual(
    replies.map((reply) => reply.status),
    Array(10).fill(200),
  )
  assert.equal(new Set(replies.map(actionIdOf)).size, 1)
  await octopod.settled('once', 'Running')
  assert.equal((await octopod.create('once', {}, key)).status, 200, 'also after it has ended')
  assert.equal((await system.calls('create')).length, 1)
})

test('the same key for another request is refused', async () => {
  const key = { 'Idempotency-Key': randomUUID() }
  await octopod.create('first', {}, key)
  const reply = await octopod.create('second', {}, key)
  assert.equal(reply.status, 422)
  assert.match(reply.text, /key_reused/)
})

test('a key that is refused is not used up', async () => {
  const key = { 'Idempotency-Key': randomUUID() }
  await octopod.create('taken')
  await octopod.settled('taken', 'Running')
  assert.equal((await octopod.api('DELETE', '/deployments/taken/cleanup', undefined, key)).status, 409)
  await octopod.archive('taken')
  await octopod.settled('taken', 'Archived')
  assert.equal((await octopod.api('DELETE', '/deployments/taken/cleanup', undefined, key)).status, 200)
  await octopod.gone('taken')
  assert.equal(
    (await octopod.api('DELETE', '/deployments/taken/cleanup', undefined, key)).status,
    200,
    'gone already',
  )
})
