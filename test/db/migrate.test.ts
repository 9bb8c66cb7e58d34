/** `npm run migrate` as a program: what it prints, and its exit code for databases that it cannot migrate. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createEmptyDatabase } from '../helpers/datastores.ts'
import { withDatabase } from '../helpers/with-database.ts'

const program = fileURLToPath(new URL('../../db/migrate.ts', import.meta.url))

/** Runs the program on a database that `sql` has prepared. */
async function migrate(sql: string) {
  const database = await createEmptyDatabase()
  try {
    await withDatabase(database.url, (client) => client.query(sql))
    const env = { ...process.env, DATABASE_URL: database.url }
    const run = () => spawnSync(process.execPath, [program], { env, encoding: 'utf8' })
    return { first: run(), second: run() }
  } finally {
    await database.drop()
  }
}

suite('npm run migrate', () => {
  test('names the migrations that ran, then reports that the database is up to date', async () => {
    const { first, second } = await migrate('')
    assert.deepEqual([first.status, first.stderr], [0, ''])
    assert.match(first.stdout, /^Migrated: 0001_octopod-1-6, .*\.\n$/)
    assert.deepEqual([second.status, second.stdout], [0, 'The database is up to date.\n'])
  })

  test('rejects a database of an unreleased version of Octopod 2 with one sentence', async () => {
    for (const laterMigration of ['', 'alter table actions add column hand int;']) {
      const { first } = await migrate(
        `create table deployments (id bigserial primary key, name text, revision bigint);
         create table actions (id bigserial primary key, lease_epoch int); ${laterMigration}`,
      )
      assert.deepEqual([first.status, first.stdout], [1, ''])
      assert.match(
        first.stderr,
        /^This database was made by an unreleased version .*run the migration again\.\n$/,
      )
    }
  })

  test('rejects a database of an Octopod older than 1.6 with one sentence', async () => {
    const columns = `id bigserial primary key, name text not null, created_at timestamptz, updated_at timestamptz`
    const databases = [
      [`create table deployments (${columns}, tag text)`, 'deployments lacks archived_at, status, '],
      [
        `create table deployments (${columns}, archived_at timestamptz, status text, status_updated_at timestamptz,
           checked_at timestamptz, app_overrides jsonb, deployment_overrides jsonb, links jsonb);
         create table deployment_logs (id bigserial, deployment_id bigint, action text, exit_code smallint,
           created_at timestamptz, archived boolean, duration interval, stdout text, stderr text, tag text)`,
        'deployment_logs lacks app_overrides, deployment_overrides',
      ],
    ]
    for (const [sql = '', reason = ''] of databases) {
      const { first } = await migrate(sql)
      assert.deepEqual([first.status, first.stdout], [1, ''])
      assert.match(first.stderr, /^This database is not one of Octopod 1\.6 .*run the migration again\.\n$/)
      assert.ok(first.stderr.includes(reason), first.stderr)
    }
  })
})
