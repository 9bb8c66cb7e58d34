/** A migration fails while servers and runners of the previous release are running. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { runMigrations } from '../../../db/run-migrations.ts'
import { type ApiClient, createApiClient } from '../../helpers/api-client.ts'
import { type System, startSystem } from '../../helpers/system.ts'
import { withDatabase } from '../../helpers/with-database.ts'

let system: System
let octopod: ApiClient
before(async () => {
  system = await startSystem()
  octopod = createApiClient(system.url)
})
after(() => system?.stop())

test('Running servers and runners keep working during and after a failed migration', async () => {
  await octopod.create('existing')
  const listed = await octopod.waitForStatus('existing', 'Running')
  // Repeating our migrations fails: it stands for a migration of a later release that fails.
  await withDatabase(system.databaseUrl, (db) => db.query(`delete from migrations where name >= '0002'`))

  let isFinished = false
  const answers: [number, unknown][] = []
  const listing = (async () => {
    while (!isFinished) {
      const { status, body } = await octopod.api('GET', '/deployments')
      answers.push([status, (body as { revision: number }[])[0]?.revision])
    }
  })()
  const failing = assert.rejects(runMigrations(system.databaseUrl), /exist/).finally(() => {
    isFinished = true
  })
  await Promise.all([failing, listing])

  assert.deepEqual(new Set(answers.map(String)), new Set([`200,${listed.revision}`]))
  await octopod.create('later')
  await octopod.waitForStatus('later', 'Running')
})
