/** The notifications script with several runners, slow scripts, shutdowns and lost runners. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { type ApiClient, createApiClient } from '../../helpers/api-client.ts'
import { type System, startSystem } from '../../helpers/system.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { withDatabase } from '../../helpers/with-database.ts'

let system: System
let client: ApiClient
before(async () => {
  system = await startSystem({ env: { CHECK_INTERVAL: '3600', NOTIFICATION_CONCURRENCY: '2' } })
  client = createApiClient(system.url)
})
after(() => system?.stop())

const query = (text: string) => withDatabase(system.databaseUrl, (db) => db.query(text))

async function changesOf(name: string): Promise<string[]> {
  const calls = (await system.scriptCalls('notifications')).filter((call) => call.includes(name))
  return calls.map((call) => `${call.at(-3)} → ${call.at(-1)}`)
}

async function waitForCalls(name: string, count: number): Promise<string[]> {
  return waitFor(`${count} notifications of ${name}`, async () => {
    const value = await changesOf(name)
    return { done: value.length >= count, value, seen: value }
  })
}

/** Status changes as the triggers insert them, without a deployment. */
const addChanges = (name: string, count: number) =>
  query(`insert into status_changes (deployment, old_status, new_status)
    select '${name}', case n % 2 when 0 then 'Running' else 'Archived' end, case n % 2 when 0 then 'Archived' else 'Running' end
    from generate_series(1, ${count}) n`)

test('A hanging script of one deployment delays no other, and its own changes keep their order', async (t) => {
  t.after(() => system.setBehavior('notifications', ''))
  const second = await system.startRunner()
  await client.create('stuck', { a: '1' })
  await client.waitForStatus('stuck', 'Running')
  await waitForCalls('stuck', 1)
  await system.setBehavior('notifications', `wait ${system.dir}/go-on`)
  await client.archive('stuck')
  await waitForCalls('stuck', 2)
  await system.setBehavior('notifications', '')
  await client.waitForStatus('stuck', 'Archived')
  await addChanges('free', 20)
  await waitForCalls('free', 20)
  assert.equal((await changesOf('stuck')).length, 2, 'the third waits for the second')
  await writeFile(`${system.dir}/go-on`, '')
  assert.deepEqual(await waitForCalls('stuck', 3), [
    'CreatePending → Running',
    'Running → ArchivePending',
    'ArchivePending → Archived',
  ])
  const free = await changesOf('free')
  assert.deepEqual(
    free,
    free.map((_, at) => (at % 2 === 0 ? 'Archived → Running' : 'Running → Archived')),
  )
  assert.equal(await second.stop(), 0)
})

test('A script that runs at SIGTERM may finish; one that does not is called again, with the same id', async (t) => {
  t.after(() => system.setBehavior('notifications', ''))
  const idsOf = async () => {
    const { rows } = await query(`select event_id from deliveries where receiver = 'script'`)
    return rows.map((row) => row.event_id)
  }
  const runner = await system.startRunner({ SHUTDOWN_GRACE: '30' })
  await system.runner.stop()
  await system.setBehavior('notifications', `wait ${system.dir}/finish`)
  await addChanges('finishes', 1)
  await waitForCalls('finishes', 1)
  const stopped = runner.stop()
  await writeFile(`${system.dir}/finish`, '')
  assert.equal(await stopped, 0)
  assert.deepEqual(await idsOf(), [])

  const impatient = await system.startRunner({ SHUTDOWN_GRACE: '0' })
  await system.setBehavior('notifications', 'hang')
  await addChanges('again', 1)
  await waitForCalls('again', 1)
  const ids = await idsOf()
  assert.equal(await impatient.stop(), 0)
  assert.deepEqual(await idsOf(), ids)
  await system.setBehavior('notifications', 'record-failure')
  await system.startRunner()
  await waitForCalls('again', 2)
  const environment = await waitFor('the environment of the script', async () => {
    const value = await readFile(`${system.dir}/notified-again-Running`, 'utf8').catch(() => '')
    return { done: value !== '', value, seen: value }
  })
  assert.ok(environment.split('\0').includes(`OCTOPOD_NOTIFICATION_ID=${ids[0]}`))
})
