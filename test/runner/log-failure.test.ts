/** A runner that loses its datastores warns in one line each time: nothing is wrong with the program. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createApiClient } from '../helpers/api-client.ts'
import { redisUrl } from '../helpers/datastores.ts'
import { startSystem } from '../helpers/system.ts'
import { startTcpProxy, type TcpProxy } from '../helpers/tcp-proxy.ts'
import { waitFor } from '../helpers/wait-for.ts'

const losses: Record<string, (proxies: TcpProxy[]) => unknown> = {
  'closed connections': (proxies) => Promise.all(proxies.map((proxy) => proxy.close())),
  'datastores that do not answer': (proxies) => proxies.map((proxy) => proxy.freeze()),
}

for (const [loss, lose] of Object.entries(losses))
  test(`A runner that works and stops with ${loss} logs neither an error nor a stack`, async () => {
    const system = await startSystem({ runner: false })
    const proxies = [await startTcpProxy(system.databaseUrl), await startTcpProxy(redisUrl())]
    try {
      const [databaseUrl, redisProxyUrl] = proxies.map(({ url }) => url)
      const runner = await system.startRunner({
        DATABASE_URL: databaseUrl ?? '',
        REDIS_URL: redisProxyUrl ?? '',
        LEASE: '4',
        KILL_GRACE: '0.3',
        SHUTDOWN_GRACE: '1',
        CHECK_INTERVAL: '0.5',
      })
      const octopod = createApiClient(system.url)
      await octopod.create('idle')
      await octopod.waitForStatus('idle', 'Running')
      await octopod.create('busy', { 'behave.create': 'hang' })
      await waitFor('the script runs', async () => {
        const [action] = await octopod.actions('busy')
        return { done: action?.state === 'running', value: null, seen: action }
      })
      await lose(proxies)
      // Longer than the lease, so that every kind of write has failed.
      await sleep(7000)
      assert.notEqual(await runner.stop(), null)
      const entries = runner.lines.flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []))
      const wrong = entries.filter(({ level, err }) => level >= 50 || err?.stack !== undefined)
      assert.deepEqual(wrong, [])
      assert.ok(entries.some(({ level, cause }) => level === 40 && cause !== undefined))
    } finally {
      await system.stop()
      await Promise.all(proxies.map((proxy) => proxy.close()))
    }
  })
