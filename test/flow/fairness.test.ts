/** A busy runner serves callers in turn, and people before automatic work. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { headers } from '../../domain/endpoints.ts'
import { type ApiClient, createApiClient, getActionId } from '../helpers/api-client.ts'
import { type System, startSystem } from '../helpers/system.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { withDatabase } from '../helpers/with-database.ts'

/** A runner orders the waiting actions again when their order is older than 250 ms. */
const orderAgeMs = 300

let system: System
let octopod: ApiClient
before(async () => {
  system = await startSystem({
    env: { ACTION_CONCURRENCY: '1', CHECK_INTERVAL: '3600', ARCHIVE_RETENTION: '3600' },
  })
  octopod = createApiClient(system.url)
})
after(() => system?.stop())

async function createRunning(...names: string[]): Promise<void> {
  await Promise.all(names.map((name) => octopod.create(name)))
  await Promise.all(names.map((name) => octopod.waitForStatus(name, 'Running')))
}

const countCalls = async (script: string) => (await system.scriptCalls(script)).length

const waitForCalls = (script: string, count: number) =>
  waitFor(`${script} was called ${count} times`, async () => {
    const seen = await countCalls(script)
    return { done: seen >= count, value: null, seen }
  })

test('One caller with many actions does not delay the one action of another', async () => {
  const annsNames = ['ann-1', 'ann-2', 'ann-3', 'ann-4', 'ann-5', 'ann-6']
  await createRunning(...annsNames, 'bob-1')
  const gate = join(system.dir, 'gate')
  await system.setBehavior('archive', `wait ${gate}`)
  const archive = async (actor: string, name: string) =>
    getActionId(await octopod.api('DELETE', `/deployments/${name}`, undefined, { [headers.actor]: actor }))
  for (const name of annsNames) await archive('ann', name)
  await waitForCalls('archive', 1)
  const bobs = await archive('bob', 'bob-1')
  await sleep(orderAgeMs)
  await writeFile(gate, '')
  await octopod.waitForActionEnd(bobs)
  for (const name of annsNames) await octopod.waitForStatus(name, 'Archived')
  const order = (await system.scriptCalls('archive')).map((call) => call[call.indexOf('--name') + 1])
  assert.ok(order.indexOf('bob-1') <= 2, `the order was ${order}`)
  await system.setBehavior('archive', '')
})

test('A create is executed before cleanups that wait after ARCHIVE_RETENTION', async () => {
  const names = ['old-1', 'old-2', 'old-3', 'old-4']
  await createRunning(...names)
  for (const name of names) await octopod.archive(name)
  for (const name of names) await octopod.waitForStatus(name, 'Archived')
  const gate = join(system.dir, 'gate-of-cleanup')
  await system.setBehavior('cleanup', `wait ${gate}`)
  await withDatabase(system.databaseUrl, (db) =>
    db.query(`update deployments set archived_at = now() - interval '2 hours' where name = any($1)`, [names]),
  )
  await waitForCalls('cleanup', 1)
  const createsBefore = await countCalls('create')
  const created = getActionId(await octopod.create('new'))
  await sleep(orderAgeMs)
  await writeFile(gate, '')
  await octopod.waitForActionEnd(created)
  for (const name of names) await octopod.waitUntilDeleted(name)
  const order = (await system.scriptCalls()).map(([script]) => script)
  const newCreate = order.map((script, at) => (script === 'create' ? at : -1)).filter((at) => at >= 0)[
    createsBefore
  ]
  const cleanupsBefore = order.slice(0, newCreate).filter((script) => script === 'cleanup').length
  assert.equal(cleanupsBefore, 1)
})
