/** db/schema.sql is the schema that the migrations create. Migrations are numbered and have no way back. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createDatabase } from '../helpers/datastores.ts'
import { dumpSchema } from '../helpers/schema-dump.ts'
import { files, read } from './repository.ts'

test('db/schema.sql is up to date (npx node test/helpers/write-schema.ts writes it)', async () => {
  const database = await createDatabase()
  try {
    assert.equal(await dumpSchema(database.url), read('db/schema.sql'))
  } finally {
    await database.drop()
  }
})

const migrations = files('db/migrations').map((path) => path.split('/').at(-1) ?? '')

test('Migrations are numbered without a gap and named in kebab-case', () => {
  for (const [at, name] of migrations.sort().entries()) {
    assert.match(name, /^\d{4}_[a-z0-9]+(-[a-z0-9]+)*\.sql$/)
    assert.equal(Number(name.slice(0, 4)), at + 1, name)
  }
  assert.ok(migrations.length > 0)
})

test('No migration has a down part', () => {
  for (const name of migrations) {
    const text = read(`db/migrations/${name}`)
    assert.match(text, /^-- Up Migration\n/, name)
    assert.doesNotMatch(text, /^--.*\bdown migration\b/im, name)
  }
})
