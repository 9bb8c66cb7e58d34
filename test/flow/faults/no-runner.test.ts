/** Without a runner, requests that need a script query are rejected, and other actions wait in the queue. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ApiClient, type ApiResponse, createApiClient } from '../../helpers/api-client.ts'
import { type System, startSystem } from '../../helpers/system.ts'

let system: System
let octopod: ApiClient
before(async () => {
  system = await startSystem({ env: { SCRIPT_QUERY_TIMEOUT: '2', CHECK_INTERVAL: '3600' } })
  octopod = createApiClient(system.url)
  for (const name of ['running', 'archived', 'waits']) await octopod.create(name)
  for (const name of ['running', 'archived', 'waits']) await octopod.waitForStatus(name, 'Running')
  await octopod.archive('archived')
  await octopod.waitForStatus('archived', 'Archived')
  await system.runner.stop()
})
after(() => system?.stop())

const scriptQueries: [string, () => Promise<ApiResponse>][] = [
  ['create', () => octopod.create('fresh')],
  ['update', () => octopod.update('running')],
  ['restore', () => octopod.restore('archived')],
  ['status', () => octopod.api('GET', '/deployments/running/status')],
  ['defaults that are not cached', () => octopod.api('POST', '/application_overrides', [['region', 'us']])],
]

for (const [title, send] of scriptQueries)
  test(`Without a runner ${title} is rejected with 504`, async () => {
    const reply = await send()
    assert.equal(reply.status, 504, reply.text)
    assert.match(reply.text, /No runner answered within 2 s/)
  })

test('Without a runner a rejected request leaves nothing behind, and an action without a script query is queued', async () => {
  assert.equal((await octopod.create('fresh')).status, 504)
  assert.equal((await octopod.api('GET', '/deployments/fresh/full_info')).status, 404)
  assert.deepEqual(
    (await octopod.actions('running')).map(({ state }) => state),
    ['succeeded'],
  )
  assert.equal((await octopod.archive('waits')).status, 200)
  assert.equal((await octopod.actions('waits'))[0]?.state, 'queued')
})
