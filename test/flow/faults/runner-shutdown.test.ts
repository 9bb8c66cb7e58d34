/**
 * Runners that stop or run at full concurrency: other runners execute what they have not started, and they end in time
 * even without PostgreSQL and Redis.
 */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { Redis } from 'ioredis'
import { type ApiClient, createApiClient, getActionId } from '../../helpers/api-client.ts'
import { type System, startSystem } from '../../helpers/system.ts'
import { startTcpProxy, type TcpProxy } from '../../helpers/tcp-proxy.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { withDatabase } from '../../helpers/with-database.ts'

let system: System
let octopod: ApiClient
let redis: TcpProxy
before(async () => {
  redis = await startTcpProxy(process.env.TEST_REDIS_URL ?? '')
  system = await startSystem({ runner: false, env: { CHECK_INTERVAL: '3600', REDIS_URL: redis.url } })
  octopod = createApiClient(system.url)
})
afterEach(() => system.setBehavior('application_config', ''))
after(async () => {
  redis?.thaw()
  await system?.stop()
  await redis?.close()
})

const createRunning = async (...names: string[]) => {
  const runner = await system.startRunner()
  for (const name of names) await octopod.create(name)
  for (const name of names) await octopod.waitForStatus(name, 'Running')
  await runner.stop()
}
const stateOf = async (actionId: number) =>
  ((await octopod.api('GET', `/actions/${actionId}`)).body as { state: string }).state

const hasRunner = (actionId: number): Promise<boolean> =>
  withDatabase(system.databaseUrl, async (db) => {
    const { rows } = await db.query('select runner is not null as claimed from actions where id = $1', [
      actionId,
    ])
    return rows[0].claimed
  })

/** Starts a runner that claims an archive and waits for a config script that never ends. */
async function startClaimingRunner(name: string, env: Record<string, string> = {}) {
  await system.setBehavior('application_config', 'hang')
  // Before the start: the runner may ask for the config of a check first, and the action shares that call.
  const before = (await system.scriptCalls('application_config')).length
  const runner = await system.startRunner(env)
  const actionId = getActionId(await octopod.archive(name))
  await waitFor('the config script runs for the claimed action', async () => {
    const calls = (await system.scriptCalls('application_config')).length - before
    const isClaimed = await hasRunner(actionId)
    return { done: calls > 0 && isClaimed, value: null, seen: { calls, isClaimed } }
  })
  return { runner, actionId }
}

test('The next runner executes an action that a stopped runner claimed and did not start, as the same attempt', async () => {
  await createRunning('not-started')
  const { runner, actionId } = await startClaimingRunner('not-started', { SHUTDOWN_GRACE: '0.2' })
  assert.equal(await runner.stop(), 0)
  assert.equal(await stateOf(actionId), 'queued')
  await system.setBehavior('application_config', '')
  const next = await system.startRunner()
  const action = await octopod.waitForActionEnd(actionId)
  assert.deepEqual([action.state, action.attempt], ['succeeded', 1])
  await next.stop()
})

test('An action is cancelled at once while its runner waits for the config', async () => {
  await createRunning('cancelled')
  const { runner, actionId } = await startClaimingRunner('cancelled')
  const startedAt = Date.now()
  await octopod.api('POST', `/actions/${actionId}/cancel`)
  const action = await octopod.waitForActionEnd(actionId)
  assert.deepEqual([action.state, action.error], ['cancelled', 'Cancelled before it started.'])
  assert.equal(action.started_at, null)
  assert.ok(Date.now() - startedAt < 10_000)
  await octopod.waitForStatus('cancelled', 'Running')
  await system.setBehavior('application_config', '')
  await runner.stop()
})

test('A runner never exceeds ACTION_CONCURRENCY, whether actions come by notification or by polling', async () => {
  await createRunning('by-polling', 'by-notification')
  const gate = join(system.dir, 'gate')
  await system.setBehavior('archive', `wait ${gate}`)
  const runner = await system.startRunner({ ACTION_CONCURRENCY: '1' })
  redis.freeze()
  const polledId = getActionId(await octopod.archive('by-polling'))
  await waitFor('the action is found by polling', async () => ({
    done: (await stateOf(polledId)) === 'running',
    value: null,
  }))
  redis.resetConnections()
  redis.thaw()
  await waitFor('the server has Redis again', async () => {
    const { body } = await octopod.call('GET', '/readyz')
    return { done: (body as { redis: string }).redis === 'ok', value: null }
  })
  const notifiedId = getActionId(await octopod.archive('by-notification'))
  const queue = new Redis(process.env.TEST_REDIS_URL ?? '')
  await waitFor('the runner has received the notification', async () => {
    const active = await queue.llen(`${system.environment.REDIS_PREFIX}:actions:active`)
    return { done: active === 1, value: null, seen: active }
  })
  await queue.quit()
  await writeFile(gate, '')
  const [first, second] = [
    await octopod.waitForActionEnd(polledId),
    await octopod.waitForActionEnd(notifiedId),
  ]
  assert.equal(second.state, 'succeeded')
  assert.ok(
    (second.started_at ?? '') >= (first.finished_at ?? '~'),
    `${second.started_at}, ${first.finished_at}`,
  )
  await runner.stop()
})

test('An idle runner ends soon although Redis does not answer', async () => {
  const runner = await system.startRunner({ SHUTDOWN_GRACE: '60' })
  redis.freeze()
  const startedAt = Date.now()
  assert.equal(await runner.stop(), 0)
  assert.ok(Date.now() - startedAt < 9000, `${Date.now() - startedAt} ms`)
  redis.resetConnections()
  redis.thaw()
})
