/** Redis is stopped and started again while servers and runners work. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { LiveMessage } from '../../../domain/event.ts'
import { type ApiClient, createApiClient, getActionId } from '../../helpers/api-client.ts'
import { type DedicatedRedis, startDedicatedRedis } from '../../helpers/dedicated-redis.ts'
import { type System, startSystem } from '../../helpers/system.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { connectWebSocket } from '../../helpers/websocket-client.ts'

let system: System
let octopod: ApiClient
let redis: DedicatedRedis

before(async () => {
  redis = await startDedicatedRedis()
  system = await startSystem({ env: { REDIS_URL: redis.url } })
  octopod = createApiClient(system.url)
})
after(async () => {
  await system?.stop()
  await redis?.remove()
})

test('Without Redis the defaults are 503, even cached ones, and they are back with Redis', async () => {
  const defaults = () => octopod.api('GET', '/deployment_overrides')
  assert.equal((await defaults()).status, 200)
  await redis.stop()
  const refused = await defaults()
  assert.equal(refused.status, 503)
  assert.match(refused.text, /Redis is not reachable.*service_unavailable/)
  assert.equal(refused.headers.get('retry-after'), '2')
  await redis.start()
  await waitFor('the defaults are back', async () => {
    const { status } = await defaults()
    return { done: status === 200, value: null, seen: status }
  })
})

test('Without Redis actions are accepted in time, executed and shown; with Redis back everything is as before', async () => {
  await octopod.create('before')
  await octopod.waitForStatus('before', 'Running')
  const client = await connectWebSocket(system.url)
  await redis.stop()

  const ready = await octopod.call('GET', '/readyz')
  assert.equal(ready.status, 200)
  assert.deepEqual(ready.body, { status: 'degraded', postgres: 'ok', redis: 'unreachable', stopping: false })

  const startedAt = Date.now()
  const reply = await octopod.create('during', { 'behave.config_check': 'print fine' })
  assert.equal(reply.status, 200)
  assert.ok(Date.now() - startedAt < 3000, `accepted after ${Date.now() - startedAt} ms`)
  assert.equal((await octopod.waitForActionEnd(getActionId(reply))).state, 'succeeded')
  await octopod.waitForStatus('during', 'Running')
  await client.until('clients receive a resync', (messages) =>
    messages.some((message) => message.type === 'resync'),
  )
  const isDelayed = (messages: readonly LiveMessage[]) =>
    messages.findLast((message) => message.type === 'heartbeat' || message.type === 'hello')?.delayed === true
  await client.until('clients learn that events are delayed', isDelayed)
  const newClient = await connectWebSocket(system.url)
  await newClient.until('a new client learns it too', isDelayed)
  newClient.close()

  const refused = await octopod.create('refused', { 'behave.config_check': 'reject no such tag' })
  const action = await octopod.waitForActionEnd(getActionId(refused))
  assert.deepEqual([action.state, action.failure?.output, action.started_at], ['failed', 'no such tag', null])

  // Runners and servers read pauses from PostgreSQL.
  const pausedIn = (messages: readonly LiveMessage[]) => {
    const last = messages.findLast((message) => message.type === 'heartbeat')
    return last?.paused?.map(({ what }) => what) ?? []
  }
  assert.equal((await octopod.api('PUT', '/pauses/checks', { reason: 'no Redis' })).status, 200)
  await client.until('clients learn of the pause', (messages) => pausedIn(messages).includes('checks'))
  const checked = getActionId(await octopod.create('checked'))
  assert.equal((await octopod.waitForActionEnd(checked)).state, 'succeeded')
  assert.ok((await octopod.waitForStatus('checked', 'Running')).checks_paused_since)
  assert.equal((await octopod.api('DELETE', '/pauses/checks')).status, 200)
  await client.until('clients learn of its end', (messages) => pausedIn(messages).length === 0)

  await redis.start()
  await waitFor('the server has Redis again', async () => {
    const { body } = await octopod.call('GET', '/readyz')
    return { done: (body as { status: string }).status === 'ready', value: null, seen: body }
  })
  const again = await octopod.create('after', { 'behave.config_check': 'reject no such tag' })
  assert.equal(again.status, 400, 'config_check runs before the answer again')
  await client.until('clients learn that events are no longer delayed', (messages) => !isDelayed(messages))
  const seen = client.messages.length
  await octopod.archive('during')
  await octopod.waitForStatus('during', 'Archived')
  await client.until('events again', (messages) =>
    messages.slice(seen).some((message) => message.type === 'event'),
  )
  client.close()
})
