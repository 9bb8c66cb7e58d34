/**
 * db/schema.sql is the schema that migrations and definitions create. Migrations are numbered and change tables;
 * functions, triggers and views have one definition each, which can be applied again.
 */
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

test('No table stores transaction ids: another cluster, after a restore, has other ones', () => {
  assert.doesNotMatch(read('db/schema.sql'), /^ {2}\w+ (xid|xid8|pg_snapshot|pg_lsn)\b/m)
})

const migrations = files('db/migrations').map((path) => path.split('/').at(-1) ?? '')

test('Migrations are numbered without a gap and named in kebab-case', () => {
  for (const [at, name] of migrations.sort().entries()) {
    assert.match(name, /^\d{4}_[a-z0-9]+(-[a-z0-9]+)*\.sql$/)
    assert.equal(Number(name.slice(0, 4)), at + 1, name)
  }
  assert.ok(migrations.length > 0)
})

const statementStarts = (text: string) => text.match(/^[a-z].*/gm) ?? []

test('No migration defines a function, trigger or view', () => {
  for (const name of migrations)
    for (const line of statementStarts(read(`db/migrations/${name}`)))
      assert.doesNotMatch(
        line,
        /^create (or replace )?(constraint )?(function|procedure|trigger|view)\b/,
        name,
      )
})

/** The migrations before were made for databases without servers: new ones, those of Octopod 1.6 and of unreleased versions. */
const firstBesideServers = '0004'

test('An index of an existing table is made concurrently, in a migration without other statements', () => {
  for (const name of migrations.filter((one) => one >= firstBesideServers)) {
    const text = read(`db/migrations/${name}`)
    const isConcurrent = /\bindex concurrently\b/.test(text.replaceAll(/--.*$/gm, ''))
    for (const line of statementStarts(text)) {
      const [, table = ''] = line.match(/^create (?:unique )?index .*\bon (\w+)/) ?? []
      if (isConcurrent)
        assert.match(line, /^(create (unique )?|drop )index concurrently if (not )?exists /, name)
      else if (line.startsWith('create') && table !== '')
        assert.match(text, new RegExp(`create table ${table}\\b`), name)
    }
  }
})

test('Every definition replaces its predecessor', () => {
  for (const path of files('db/definitions')) {
    const text = read(path)
    const created = statementStarts(text).filter((line) => line.startsWith('create '))
    assert.ok(created.length > 0, path)
    for (const line of created) {
      const [, trigger, table] = line.match(/^create constraint trigger (\w+) .* on (\w+)$/) ?? []
      if (trigger === undefined)
        assert.match(line, /^create or replace (function|procedure|trigger|view) /, path)
      else
        assert.ok(text.includes(`drop trigger if exists ${trigger} on ${table};\ncreate`), `${path}: ${line}`)
    }
  }
})
