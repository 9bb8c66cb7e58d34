/** How the results of check, archive_check and cleanup change the status of a deployment. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type ApiClient, createApiClient } from '../helpers/api-client.ts'
import { type System, startSystem } from '../helpers/system.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { withDatabase } from '../helpers/with-database.ts'

let system: System
let octopod: ApiClient
before(async () => {
  system = await startSystem({
    env: { CHECK_INTERVAL: '0.2', STATUS_UPDATE_TIMEOUT: '2', CHECK_TIMEOUT: '1', ARCHIVE_RETENTION: '3600' },
  })
  octopod = createApiClient(system.url)
})
after(() => system?.stop())

const setCheckResult = (name: string, code: number) =>
  writeFile(join(system.dir, `check-${name}`), `${code}\n`)

test('A failing check sets the failure status of a running deployment, and a passing check clears it', async () => {
  await octopod.create('unhealthy')
  await octopod.waitForStatus('unhealthy', 'Running')
  for (const [code, status] of [
    [2, 'PartialAvailability'],
    [3, 'TagMismatch'],
    [9, 'GenericFailure'],
  ] as const) {
    await setCheckResult('unhealthy', code)
    const info = await octopod.waitForStatus('unhealthy', status)
    assert.equal(info.last_check?.exit_code, code)
    assert.equal(info.last_action?.state, 'succeeded', 'the action succeeded')
    await setCheckResult('unhealthy', 0)
    await octopod.waitForStatus('unhealthy', 'Running')
  }
})

test('A check that could not run leaves the status unchanged, and its error is shown', async () => {
  await octopod.create('unknown')
  await octopod.waitForStatus('unknown', 'Running')
  await system.setBehavior('application_config', 'fail the cluster does not answer')
  // A new runner has no config in memory.
  await system.runner.stop()
  await system.startRunner()
  const info = await waitFor('the last check has an error', async () => {
    const info = await octopod.fullInfo('unknown')
    return { done: info.last_check?.error !== null, value: info, seen: info.last_check }
  })
  assert.match(info.last_check?.error ?? '', /application_config script failed/)
  assert.equal(info.last_check?.failure?.what, 'config_script')
  assert.equal(info.last_check?.failure?.output, 'the cluster does not answer')
  assert.equal(info.last_check?.exit_code, null)
  assert.equal(info.status.recorded_status.tag, 'Running')
  await system.setBehavior('application_config', '')
  await octopod.waitForStatus('unknown', 'Running')
})

test('A pending deployment waits for its check until STATUS_UPDATE_TIMEOUT', async () => {
  await setCheckResult('slow-start', 1)
  await octopod.create('slow-start')
  await octopod.waitForStatus('slow-start', 'CreatePending')
  await setCheckResult('slow-start', 0)
  await octopod.waitForStatus('slow-start', 'Running')

  await setCheckResult('never', 2)
  await octopod.create('never')
  await octopod.waitForStatus('never', 'CreatePending')
  await octopod.waitForStatus('never', 'PartialAvailability')
})

test('A failing action fails the deployment at once', async () => {
  await setCheckResult('broken', 1)
  const reply = await octopod.create('broken', { 'behave.create': 'fail no space in the cluster' })
  const action = await octopod.waitForActionEnd(Number(reply.headers.get('octopod-action-id')))
  assert.deepEqual([action.state, action.exit_code], ['failed', 1])
  await octopod.waitForStatus('broken', 'GenericFailure')
  assert.match((await octopod.api('GET', `/log/${action.action_id}`)).text, /no space in the cluster/)
})

test('A hanging check delays no other deployment', async () => {
  await octopod.create('stuck', { 'behave.check': 'ignore-term' })
  await octopod.create('lively')
  await octopod.waitForStatus('lively', 'Running')
  await setCheckResult('lively', 3)
  await octopod.waitForStatus('lively', 'TagMismatch')
  assert.equal((await octopod.fullInfo('stuck')).status.recorded_status.tag, 'CreatePending')
  await octopod.waitForStatus('stuck', 'GenericFailure')
})

test('A failed archive stays pending, can be retried, and ends when archive_check succeeds', async () => {
  await octopod.create('store')
  await octopod.waitForStatus('store', 'Running')
  await writeFile(join(system.dir, 'archive_check-store'), '1\n')
  await system.setBehavior('archive', 'fail the volume is busy')
  await octopod.archive('store')
  await octopod.waitForStatus('store', 'ArchivePending')
  assert.equal((await octopod.actions('store'))[0]?.state, 'failed')
  await system.setBehavior('archive', '')
  assert.equal((await octopod.archive('store')).status, 200)
  await octopod.waitForStatus('store', 'ArchivePending')
  await writeFile(join(system.dir, 'archive_check-store'), '0\n')
  await octopod.waitForStatus('store', 'Archived')
})

test('A failed cleanup can be retried', async () => {
  await octopod.create('dirty')
  await octopod.waitForStatus('dirty', 'Running')
  await octopod.archive('dirty')
  await octopod.waitForStatus('dirty', 'Archived')
  await system.setBehavior('cleanup', 'exit 1')
  await octopod.cleanup('dirty')
  await octopod.waitForStatus('dirty', 'CleanupFailed')
  await system.setBehavior('cleanup', '')
  await octopod.cleanup('dirty')
  await octopod.waitUntilDeleted('dirty')
})

test('Deployments archived for longer than ARCHIVE_RETENTION are cleaned up automatically', async () => {
  for (const name of ['expired', 'recent']) {
    await octopod.create(name)
    await octopod.waitForStatus(name, 'Running')
    await octopod.archive(name)
    await octopod.waitForStatus(name, 'Archived')
  }
  await withDatabase(system.databaseUrl, (db) =>
    db.query(`update deployments set archived_at = now() - interval '2 hours' where name = 'expired'`),
  )
  await octopod.waitUntilDeleted('expired')
  await octopod.waitForStatus('recent', 'Archived')
})
