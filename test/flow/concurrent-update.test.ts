/**
 * Two users update the same deployment: with If-Match the second update is rejected instead of overwriting the first.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ApiClient, createApiClient, overrides } from '../helpers/api-client.ts'
import { type System, startSystem } from '../helpers/system.ts'

let system: System
let octopod: ApiClient
before(async () => {
  system = await startSystem()
  octopod = createApiClient(system.url)
})
after(() => system?.stop())

const ifMatch = (revision: number | undefined) => ({ 'If-Match': `"${revision}"` })

test('The second of two concurrent updates is rejected with 412 and accepted after a new read', async () => {
  await octopod.create('shared')
  const { revision } = await octopod.waitForStatus('shared', 'Running')
  assert.equal((await octopod.update('shared', { a: 'ann' }, ifMatch(revision))).status, 200)
  const read = await octopod.waitForStatus('shared', 'Running')

  const refused = await octopod.update('shared', { b: 'bob' }, ifMatch(revision))
  assert.equal(refused.status, 412)
  assert.deepEqual(refused.body, {
    tag: 'AppError',
    error_message: 'The config of deployment shared has changed since you read it: read it again.',
    code: 'precondition_failed',
  })
  assert.equal((await octopod.actions('shared')).length, 2, 'no action was started')

  const both = { a: 'ann', b: 'bob' }
  assert.equal((await octopod.update('shared', both, ifMatch(read.revision))).status, 200)
  assert.deepEqual((await octopod.fullInfo('shared')).deployment.app_overrides, overrides(both))
})

test('Without If-Match or with * the last update wins; an invalid revision is 400', async () => {
  await octopod.create('open')
  await octopod.waitForStatus('open', 'Running')
  assert.equal((await octopod.update('open', { a: '1' }, { 'If-Match': '*' })).status, 200)
  for (const tag of ['1207', '"abc"', 'W/"1"', '"1", "2"', '"-1"', '"1e3"', '""', '"99999999999999999999"']) {
    const reply = await octopod.update('open', { a: '2' }, { 'If-Match': tag })
    assert.equal(reply.status, 400, tag)
    assert.match(reply.text, /If-Match/)
  }
})
