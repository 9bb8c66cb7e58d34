/** The databases and Redis prefixes of tests are separate, and dropped databases are gone. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { createDatabase, createEmptyDatabase, redisPrefix } from './datastores.ts'

test('Each test database is migrated and separate, and drop() removes it despite an open connection', async () => {
  const [one, two] = await Promise.all([createDatabase(), createDatabase()])
  assert.notEqual(one.url, two.url)
  const client = new pg.Client({ connectionString: one.url })
  client.on('error', () => {})
  await client.connect()
  assert.equal((await client.query('select count(*)::int as count from deployments')).rows[0].count, 0)
  await Promise.all([one.drop(), two.drop()])
  await assert.rejects(new pg.Client({ connectionString: one.url }).connect(), /does not exist/)
  await client.end().catch(() => {})
})

test('An empty database has no table', async () => {
  const empty = await createEmptyDatabase()
  const client = new pg.Client({ connectionString: empty.url })
  await client.connect()
  assert.equal((await client.query("select to_regclass('deployments') as table")).rows[0].table, null)
  await client.end()
  await empty.drop()
})

test('Two Redis prefixes are never the same', () => {
  assert.notEqual(redisPrefix(), redisPrefix())
})
