import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Client, clientOf } from '../helpers/client.ts'
import { withDatabase } from '../helpers/database.ts'
import { eventually } from '../helpers/eventually.ts'
import { type System, startSystem } from '../helpers/system.ts'

let system: System
let octopod: Client
before(async () => {
  system = await startSystem({
    env: { CHECK_INTERVAL: '0.2', STATUS_UPDATE_TIMEOUT: '2', CHECK_TIMEOUT: '1', ARCHIVE_RETENTION: '3600' },
  })
  octopod = clientOf(system.url)
})
after(() => system?.stop())

const checkSays = (name: string, code: number) => writeFile(join(system.dir, `check-${name}`), `${code}\n`)

test('a running deployment fails by the kind its check tells, and heals', async () => {
  await octopod.create('ill')
  await octopod.settled('ill', 'Running')
  for (const [code, status] of [
    [2, 'PartialAvailability'],
    [3, 'TagMismatch'],
    [9, 'GenericFailure'],
  ] as const) {
    await checkSays('ill', code)
    const info = await octopod.settled('ill', status)
    assert.equal(info.last_check?.exit_code, code)
    assert.equal(info.last_action?.state, 'succeeded', 'the action was fine')
    await checkSays('ill', 0)
    await octopod.settled('ill', 'Running')
  }
})

test('a check that could not be made says nothing of a running deployment, and is told', async () => {
  await octopod.create('unknown')
  await octopod.settled('unknown', 'Running')
  await system.behave('application_config', 'fail the cluster does not answer')
  // A new runner remembers no config.
  await system.runner.stop()
  await system.startRunner()
  const told = await eventually('the last check tells why', async () => {
    const info = await octopod.fullInfo('unknown')
    return { done: info.last_check?.error !== null, value: info, seen: info.last_check }
  })
  assert.match(told.last_check?.error ?? '', /application_config script failed.*does not answer/)
  assert.equal(told.last_check?.exit_code, null)
  assert.equal(told.status.recorded_status.tag, 'Running')
  await system.behave('application_config', '')
  await octopod.settled('unknown', 'Running')
})

test('a pending deployment waits for its check until STATUS_UPDATE_TIMEOUT', async () => {
  await checkSays('slow-start', 1)
  await octopod.create('slow-start')
  await octopod.settled('slow-start', 'CreatePending')
  await checkSays('slow-start', 0)
  await octopod.settled('slow-start', 'Running')

  await checkSays('never', 2)
  await octopod.create('never')
  await octopod.settled('never', 'CreatePending')
  await octopod.settled('never', 'PartialAvailability')
})

test('a failing action fails the deployment at once', async () => {
  await checkSays('broken', 1)
  const reply = await octopod.create('broken', { 'behave.create': 'fail no room in the cluster' })
  const action = await octopod.actionEnded(Number(reply.headers.get('octopod-action-id')))
  assert.deepEqual([action.state, action.exit_code], ['failed', 1])
  await octopod.settled('broken', 'GenericFailure')
  assert.match((await octopod.api('GET', `/log/${action.action_id}`)).text, /no room in the cluster/)
})

test('a hanging check delays nobody', async () => {
  await octopod.create('stuck', { 'behave.check': 'deaf' })
  await octopod.create('lively')
  await octopod.settled('lively', 'Running')
  await checkSays('lively', 3)
  await octopod.settled('lively', 'TagMismatch')
  assert.equal((await octopod.fullInfo('stuck')).status.recorded_status.tag, 'CreatePending')
  await octopod.settled('stuck', 'GenericFailure')
})

test('an archive whose script fails stays pending, can be retried, and is archived when archive_check says so', async () => {
  await octopod.create('store')
  await octopod.settled('store', 'Running')
  await writeFile(join(system.dir, 'archive_check-store'), '1\n')
  await system.behave('archive', 'fail the volume is busy')
  await octopod.archive('store')
  await octopod.settled('store', 'ArchivePending')
  assert.equal((await octopod.actions('store'))[0]?.state, 'failed')
  await system.behave('archive', '')
  assert.equal((await octopod.archive('store')).status, 200)
  await octopod.settled('store', 'ArchivePending')
  await writeFile(join(system.dir, 'archive_check-store'), '0\n')
  await octopod.settled('store', 'Archived')
})

test('a cleanup that fails can be retried', async () => {
  await octopod.create('dirty')
  await octopod.settled('dirty', 'Running')
  await octopod.archive('dirty')
  await octopod.settled('dirty', 'Archived')
  await system.behave('cleanup', 'exit 1')
  await octopod.cleanup('dirty')
  await octopod.settled('dirty', 'CleanupFailed')
  await system.behave('cleanup', '')
  await octopod.cleanup('dirty')
  await octopod.gone('dirty')
})

test('what has been archived for longer than ARCHIVE_RETENTION is cleaned up by itself', async () => {
  for (const name of ['expired', 'recent']) {
    await octopod.create(name)
    await octopod.settled(name, 'Running')
    await octopod.archive(name)
    await octopod.settled(name, 'Archived')
  }
  await withDatabase(system.databaseUrl, (db) =>
    db.query(`update deployments set archived_at = now() - interval '2 hours' where name = 'expired'`),
  )
  await octopod.gone('expired')
  await octopod.settled('recent', 'Archived')
})
