/** No runner is up: what must ask a script first is refused in words, everything else waits. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ApiClient, type ApiResponse, createApiClient } from '../helpers/api-client.ts'
import { type System, startSystem } from '../helpers/system.ts'

let system: System
let octopod: ApiClient
before(async () => {
  system = await startSystem({ env: { QUESTION_TIMEOUT: '2', CHECK_INTERVAL: '3600' } })
  octopod = createApiClient(system.url)
  for (const name of ['running', 'archived', 'waits']) await octopod.create(name)
  for (const name of ['running', 'archived', 'waits']) await octopod.waitForStatus(name, 'Running')
  await octopod.archive('archived')
  await octopod.waitForStatus('archived', 'Archived')
  await system.runner.stop()
})
after(() => system?.stop())

const asking: [string, () => Promise<ApiResponse>][] = [
  ['create', () => octopod.create('fresh')],
  ['update', () => octopod.update('running')],
  ['restore', () => octopod.restore('archived')],
  ['status', () => octopod.api('GET', '/deployments/running/status')],
  ['defaults that are not cached', () => octopod.api('POST', '/application_overrides', [['region', 'us']])],
]

for (const [what, ask] of asking)
  test(`without a runner ${what} is refused with 504, in words`, async () => {
    const reply = await ask()
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
