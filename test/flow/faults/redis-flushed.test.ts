/** Redis loses all data of Octopod during work, and everything is recovered. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Redis } from 'ioredis'
import { type ApiClient, createApiClient, getActionId } from '../../helpers/api-client.ts'
import { redisUrl } from '../../helpers/datastores.ts'
import { type System, startSystem } from '../../helpers/system.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { connectWebSocket } from '../../helpers/websocket-client.ts'

let system: System
let octopod: ApiClient
let redis: Redis
before(async () => {
  redis = new Redis(redisUrl())
  system = await startSystem({ env: { ACTION_CONCURRENCY: '1', CHECK_INTERVAL: '3600' } })
  octopod = createApiClient(system.url)
})
after(async () => {
  await system?.stop()
  await redis?.quit()
})

/** Like FLUSHALL, but only for the keys of this test, because other tests use the same Redis. Returns their number. */
async function flush(): Promise<number> {
  const found = await redis.keys(`${system.environment.REDIS_PREFIX}:*`)
  return found.length > 0 ? redis.del(...found) : 0
}

const defaults = async () => (await octopod.api('GET', '/deployment_overrides')).body

test('After Redis lost its data the defaults, queued and running actions and events are all recovered', async () => {
  for (const name of ['in-work', 'waiting']) {
    await octopod.create(name)
    await octopod.waitForStatus(name, 'Running')
  }
  const defaultsBefore = await defaults()
  const gate = join(system.dir, 'gate')
  await system.setBehavior('archive', `wait ${gate}`)
  const client = await connectWebSocket(system.url)
  const inWork = getActionId(await octopod.archive('in-work'))
  await waitFor('the script runs', async () => {
    const calls = await system.scriptCalls('archive')
    return { done: calls.length === 1, value: null }
  })
  const waiting = getActionId(await octopod.archive('waiting'))

  assert.ok((await flush()) > 3, 'queue jobs and cached answers')

  assert.deepEqual(await defaults(), defaultsBefore)
  assert.equal((await system.scriptCalls('archive')).length, 1)
  await writeFile(gate, '')
  for (const actionId of [inWork, waiting])
    assert.equal((await octopod.waitForActionEnd(actionId)).state, 'succeeded')
  assert.equal((await system.scriptCalls('archive')).length, 2, 'each script ran once')
  await client.until('both actions have ended', () => {
    const ended = client
      .events()
      .flatMap((event) =>
        event.type === 'deployment' && event.deployment.last_action?.state === 'succeeded'
          ? [event.deployment.last_action.action_id]
          : [],
      )
    return ended.includes(inWork) && ended.includes(waiting)
  })
  client.close()
  const next = getActionId(await octopod.create('afterwards'))
  assert.equal((await octopod.waitForActionEnd(next)).state, 'succeeded')
})

test('Defaults lost by Redis are read from the script again when no runner has them in memory', async () => {
  const before = await defaults()
  await system.setBehavior('deployment_config', 'print region,asia')
  assert.deepEqual(await defaults(), before, 'the runner has them in memory')
  await system.runner.stop()
  await system.startRunner()
  await flush()
  assert.deepEqual(await defaults(), [['region', 'asia']])
})
