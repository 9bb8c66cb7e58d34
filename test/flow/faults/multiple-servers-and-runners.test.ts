/** Several servers and runners share one database. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createApiClient } from '../../helpers/api-client.ts'
import { startSystem } from '../../helpers/system.ts'

test('With two servers and three runners on one database every action runs once', async () => {
  const system = await startSystem({ env: { ACTION_CONCURRENCY: '4' } })
  try {
    const [second] = await Promise.all([system.startServer(), system.startRunner(), system.startRunner()])
    const clients = [createApiClient(system.url), createApiClient(second.url)]
    const names = Array.from({ length: 24 }, (_, at) => `many-${at}`)
    await Promise.all(
      names.map(async (name, at) => {
        const octopod = clients[at % 2] ?? clients[0]
        if (!octopod) return
        assert.equal((await octopod.create(name)).status, 200)
        await octopod.waitForStatus(name, 'Running')
        assert.equal((await octopod.archive(name)).status, 200)
        await octopod.waitForStatus(name, 'Archived')
        assert.equal((await octopod.cleanup(name)).status, 200)
        await octopod.waitUntilDeleted(name)
      }),
    )
    for (const script of ['create', 'archive', 'cleanup']) {
      const called = (await system.scriptCalls(script)).map((call) => call[call.indexOf('--name') + 1])
      assert.deepEqual(called.toSorted(), names.toSorted(), script)
    }
  } finally {
    await system.stop()
  }
})
