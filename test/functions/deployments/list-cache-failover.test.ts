/**
 * The list after a failover or a restore that has lost the last transactions. A copy of a cluster, started in its
 * place, repeats transaction ids, revisions and the number of changes with other contents, as a promoted standby does.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Database, openPool } from '../../../db/pool.ts'
import { runMigrations } from '../../../db/run-migrations.ts'
import { createListCache } from '../../../functions/deployments/list-cache.ts'
import { type Datastore, ensureDatabase, startPostgres } from '../../../infra/dev/postgres/postgres.ts'
import { freePort } from '../../../lib/node/ports.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { withDatabase } from '../../helpers/with-database.ts'
import { testSecrets } from '../secrets/fixtures.ts'

let folder: string
let port: number
let primary: Datastore
let url: string
let db: Database
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'octopod-failover-'))
  chmodSync(folder, 0o711)
  port = await freePort()
  primary = await startCluster('primary')
  url = await ensureDatabase(primary.url, 'octopod')
  await runMigrations(url)
  db = await openPool(url, { size: 2 })
})
after(async () => {
  await db?.end()
  await primary?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const startCluster = (name: string) =>
  startPostgres({ dataDir: join(folder, name), port, log: () => {}, fast: true })

/** Stops the cluster and starts `name` in its place: first a copy of the cluster, later the same again. */
async function switchTo(name: string): Promise<void> {
  await primary.stop()
  primary = await startCluster(name)
}
async function copyTo(name: string): Promise<void> {
  await primary.stop()
  execFileSync('cp', ['-a', join(folder, 'primary'), join(folder, name)])
  primary = await startCluster('primary')
}

const query = (text: string, values: unknown[] = []) =>
  withDatabase(url, async (client) => (await client.query(text, values)).rows)
const insert = (name: string) =>
  query(
    `insert into deployments (name, status, app_overrides, deployment_overrides, links) values ($1, 'Running', '[]', '[]', '[]')`,
    [name],
  )
const setStatus = (name: string, status: string) =>
  query(`update deployments set status = $2, updated_at = now() where name = $1`, [name, status])

test('After a failover that has lost the last changes the list is the one of the new primary', async () => {
  for (const name of ['one', 'two', 'three']) await insert(name)
  await copyTo('standby')
  const list = createListCache(db, testSecrets)
  const read = async () => {
    const { bytes } = await waitFor('the pool has connected to the new primary', async () => {
      const value = await list.current().then(
        (current) => current.array(),
        () => null,
      )
      return { done: value !== null, value }
    }).then((value) => value ?? assert.fail('no list'))
    return JSON.parse(new TextDecoder().decode(bytes))
  }
  const truth = async () =>
    (await query('select body from deployment_details order by updated_at desc, id desc')).map(
      ({ body }) => body,
    )

  // These are lost: a change, an insert and a delete.
  await setStatus('one', 'TagMismatch')
  await insert('lost')
  await query(`delete from deployments where name = 'three'`)
  assert.deepEqual(await read(), await truth())

  await switchTo('standby')
  assert.deepEqual(await read(), await truth(), 'without a change since')
  // As many changes as were lost, with the same revisions and transaction ids.
  await setStatus('two', 'GenericFailure')
  await insert('other')
  await query(`delete from deployments where name = 'one'`)
  assert.deepEqual(await read(), await truth(), 'with as many other changes')

  await switchTo('primary')
  assert.deepEqual(await read(), await truth(), 'back on the old primary')
})
