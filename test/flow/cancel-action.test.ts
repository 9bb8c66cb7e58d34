/** Cancels actions in every state: queued, running, ignoring SIGTERM, finished, and without Redis. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ApiClient, createApiClient, getActionId } from '../helpers/api-client.ts'
import { redisUrl } from '../helpers/datastores.ts'
import { type System, startSystem } from '../helpers/system.ts'
import { startTcpProxy } from '../helpers/tcp-proxy.ts'
import { waitFor } from '../helpers/wait-for.ts'

let system: System
let octopod: ApiClient
before(async () => {
  system = await startSystem({ env: { CHECK_INTERVAL: '3600', LEASE: '120' } })
  octopod = createApiClient(system.url)
})
after(() => system?.stop())

const cancel = (actionId: number) =>
  octopod.api('POST', `/actions/${actionId}/cancel`, undefined, { 'Octopod-Actor': 'anna' })

const running = (name: string, actionId: number) =>
  waitFor(`${name}'s script has printed`, async () => {
    const { body } = await octopod.api('GET', `/actions/${actionId}/output`)
    const { chunks } = body as { chunks: unknown[] }
    return { done: chunks.length > 0, value: chunks }
  })

test('A running action is cancelled at once and never counts as a success', async () => {
  const actionId = getActionId(
    await octopod.create('hangs', { 'behave.create': 'hang', 'behave.check': 'exit 1' }),
  )
  await running('hangs', actionId)
  const startedAt = Date.now()
  assert.equal((await cancel(actionId)).status, 200)
  const action = await octopod.waitForActionEnd(actionId)
  // The script exits with 0 on SIGTERM. The cancel outranks the exit code.
  assert.equal(action.state, 'cancelled')
  assert.equal(action.cancelled_by, 'anna (name not proved)')
  assert.ok(Date.now() - startedAt < 15_000, 'by the event, not by the next lease renewal after 20 s')
  assert.equal((await octopod.waitForStatus('hangs', 'GenericFailure')).last_action?.state, 'cancelled')
  assert.equal((await cancel(actionId)).status, 200, 'a repeated cancel is accepted')
})

test('A hanging script delays no other deployment', async () => {
  const actionId = getActionId(await octopod.create('hanging', { 'behave.create': 'hang' }))
  await running('hanging', actionId)
  await octopod.create('other')
  await octopod.waitForStatus('other', 'Running')
  assert.equal((await octopod.fullInfo('hanging')).last_action?.state, 'running')
  await cancel(actionId)
  assert.equal((await octopod.waitForActionEnd(actionId)).state, 'cancelled')
})

test('A script that ignores SIGTERM is killed', async () => {
  const actionId = getActionId(await octopod.create('ignores-term', { 'behave.create': 'ignore-term' }))
  await running('ignores-term', actionId)
  await cancel(actionId)
  const action = await octopod.waitForActionEnd(actionId)
  assert.deepEqual([action.state, action.signal], ['cancelled', 'SIGKILL'])
})

test('A finished action cannot be cancelled', async () => {
  const actionId = getActionId(await octopod.create('ended'))
  await octopod.waitForActionEnd(actionId)
  const reply = await cancel(actionId)
  assert.equal(reply.status, 409)
  assert.match(reply.text, /has ended already: succeeded/)
})

test('An unclaimed action is cancelled without a runner', async () => {
  await octopod.create('queued')
  await octopod
    .waitForStatus('queued', 'Running')
    .catch(() => octopod.waitForStatus('queued', 'CreatePending'))
  await system.runner.stop()
  const actionId = getActionId(await octopod.archive('queued'))
  assert.ok(actionId > 0)
  await cancel(actionId)
  const action = await octopod.waitForActionEnd(actionId)
  assert.deepEqual([action.state, action.started_at], ['cancelled', null])
  assert.equal((await system.scriptCalls('archive')).length, 0)
  await system.startRunner()
})

test('A cancel without Redis is accepted and takes effect at the next lease renewal', async () => {
  const redis = await startTcpProxy(redisUrl())
  const alone = await startSystem({ env: { CHECK_INTERVAL: '3600', LEASE: '12', REDIS_URL: redis.url } })
  try {
    const client = createApiClient(alone.url)
    const actionId = getActionId(
      await client.create('no-event', { 'behave.create': 'hang', 'behave.check': 'exit 1' }),
    )
    await waitFor('its script hangs', async () => {
      const { text } = await client.api('GET', `/log/${actionId}`)
      return { done: text.includes('hanging'), value: null }
    })
    redis.freeze()
    await waitFor('the server notices that Redis is unreachable', async () => {
      const { body } = await client.call('GET', '/readyz')
      return { done: (body as { redis: string }).redis === 'unreachable', value: null, seen: body }
    })
    const reply = await client.api('POST', `/actions/${actionId}/cancel`, undefined, {
      'Octopod-Actor': 'anna',
    })
    assert.equal(reply.status, 200)
    const action = await client.waitForActionEnd(actionId)
    assert.deepEqual([action.state, action.cancelled_by], ['cancelled', 'anna (name not proved)'])
    await client.waitForStatus('no-event', 'GenericFailure')
  } finally {
    redis.thaw()
    await alone.stop()
    await redis.close()
  }
})
