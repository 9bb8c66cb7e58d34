/** A check that never passes does not lock the deployment: anyone who may update it can stop waiting. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ApiClient, createApiClient } from '../helpers/api-client.ts'
import { type System, startSystem } from '../helpers/system.ts'
import { waitFor } from '../helpers/wait-for.ts'

let system: System
let octopod: ApiClient
before(async () => {
  system = await startSystem({ env: { CHECK_INTERVAL: '1', STATUS_UPDATE_TIMEOUT: '600' } })
  octopod = createApiClient(system.url, null)
})
after(() => system?.stop())

const stop = (name: string, headers?: Record<string, string>) =>
  octopod.api('POST', `/deployments/${name}/stop_waiting`, undefined, headers)

/** A deployment whose check has failed once and that waits on. */
async function createWaiting(name: string): Promise<void> {
  await octopod.create(name, { 'behave.check': 'fail-with 1 503 from /health' })
  await waitFor(`${name} has failed a check`, async () => {
    const { last_check: check } = await octopod.fullInfo(name)
    return { done: check?.failure != null, value: check, seen: check }
  })
}

test('The deadline of a wait is known, until the wait or an action ends it', async () => {
  await createWaiting('patient')
  const { waits_until: deadline, updated_at: since } = await octopod.fullInfo('patient')
  assert.equal(Date.parse(deadline ?? '') - Date.parse(since), 600_000)
  assert.equal((await stop('patient')).status, 200)
  assert.equal((await octopod.fullInfo('patient')).waits_until, null)
  await octopod.create('idle')
  assert.equal((await octopod.waitForStatus('idle', 'Running')).waits_until, null)
})

test('Stop waiting makes the deployment a failure that can be archived', async () => {
  await createWaiting('endless')
  const waiting = await octopod.fullInfo('endless')
  assert.deepEqual(waiting.status.recorded_status, { tag: 'CreatePending' })
  assert.deepEqual(waiting.last_check?.failure?.remedies, ['stop_waiting', 'edit'])
  assert.equal((await octopod.archive('endless')).status, 409)

  assert.equal((await stop('endless', { 'Octopod-Actor': 'ann' })).status, 200)
  const stopped = await octopod.fullInfo('endless')
  assert.deepEqual(stopped.status.recorded_status, { tag: 'Failure', contents: 'GenericFailure' })
  assert.equal(stopped.last_check?.failure?.what, 'stopped_waiting')
  assert.equal(stopped.last_check?.failure?.message, 'ann (name not proved) stopped waiting for the check.')
  assert.equal(stopped.last_check?.failure?.output, '503 from /health')
  assert.equal((await octopod.archive('endless')).status, 200)
  await octopod.waitForStatus('endless', 'Archived')
})

test('Stop waiting ends an archive whose check never passes', async () => {
  await octopod.create('kept', { 'behave.archive_check': 'fail-with 1 a pod is left' })
  await octopod.waitForStatus('kept', 'Running')
  await octopod.archive('kept')
  await octopod.waitForStatus('kept', 'ArchivePending')
  await waitFor('the archive check has failed', async () => {
    const { last_check: check } = await octopod.fullInfo('kept')
    return { done: check?.failure?.output === 'a pod is left', value: null, seen: check }
  })
  assert.equal((await stop('kept')).status, 200)
  const { status } = await octopod.fullInfo('kept')
  assert.deepEqual(status.recorded_status, { tag: 'Failure', contents: 'GenericFailure' })
  assert.equal((await octopod.update('kept', {})).status, 200)
  await octopod.waitForStatus('kept', 'Running')
})

test('Two people may stop waiting at the same moment, and a repeated request changes nothing', async () => {
  await createWaiting('twice')
  const answers = await Promise.all(
    ['ann', 'bob', 'eve'].map((actor) => stop('twice', { 'Octopod-Actor': actor })),
  )
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200],
  )
  const { revision, last_check } = await octopod.fullInfo('twice')
  assert.equal((await stop('twice', { 'Octopod-Actor': 'zoe' })).status, 200)
  const again = await octopod.fullInfo('twice')
  assert.deepEqual(
    [again.revision, again.last_check?.failure?.message],
    [revision, last_check?.failure?.message],
  )
})

test('A check that passed first wins', async () => {
  await octopod.create('healthy')
  await octopod.waitForStatus('healthy', 'Running')
  const refused = await stop('healthy')
  assert.equal(refused.status, 409)
  assert.match(refused.text, /does not wait for a check: it is Running/)
  assert.equal((await stop('unknown')).status, 404)
})

test('A check under way when somebody stops waiting does not change the status', async () => {
  const file = `${system.dir}/go-on`
  await octopod.create('late', { 'behave.check': `wait ${file}` })
  await waitFor('the check runs', async () => {
    const calls = await system.scriptCalls('check')
    return { done: calls.some((call) => call.includes('late')), value: null }
  })
  assert.equal((await stop('late')).status, 200)
  const { status } = await octopod.fullInfo('late')
  assert.deepEqual(status.recorded_status, { tag: 'Failure', contents: 'GenericFailure' })
})

test('While an action runs there is no wait to stop', async () => {
  await octopod.create('busy', { 'behave.create': `wait ${system.dir}/never` })
  assert.equal((await stop('busy')).status, 409)
})
