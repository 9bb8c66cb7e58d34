/**
 * Migrates a database. Tables and indexes come from numbered files, forward only; functions, triggers and views have
 * one definition each, applied again whenever it changes. It may run repeatedly and in several processes at once.
 * Called by db/migrate.ts and the tests.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import pg from 'pg'
import { delay } from '../lib/delay.ts'
import { sessionSettingsStatement } from './session-settings.ts'
import { rejectUnsupportedDatabase } from './unsupported-database.ts'

const migrationsDir = new URL('migrations/', import.meta.url)
const definitionsDir = new URL('definitions/', import.meta.url)
/** In this order: a body in SQL names only what exists already. */
const definitionNames = ['views', 'functions', 'triggers']
/** Were migrations once. They are definitions now. */
const formerMigrations = ['0003_triggers', '0004_views', '0005_functions']

/** node-pg-migrate took the same lock when it ran these migrations. */
const advisoryLockId = '7241865325823964'
const lockPollMs = 100

/**
 * Runs the missing migrations and the changed definitions in one transaction, in one process at a time (advisory lock).
 * Upgrades an Octopod 1.6 database in place. Returns the names of what ran. Throws UnsupportedDatabase.
 */
export async function runMigrations(
  databaseUrl: string,
  log: (line: string) => void = () => {},
): Promise<string[]> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5000 })
  // A lost session must not end the process: the query that runs then is rejected.
  client.on('error', () => {})
  await client.connect()
  try {
    await client.query(sessionSettingsStatement())
    await acquireAdvisoryLock(client, log)
    await rejectUnsupportedDatabase(client)
    return await inTransaction(client, () => applyMissing(client, log))
  } finally {
    // Releases the lock.
    await client.end()
  }
}

/** Polls: a session that waits inside `pg_advisory_lock` holds a snapshot, and `create index concurrently` would wait for it. */
async function acquireAdvisoryLock(client: pg.Client, log: (line: string) => void): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    const { rows } = await client.query(`select pg_try_advisory_lock(${advisoryLockId}) as is_locked`)
    if (rows[0].is_locked) return
    if (attempt === 0) log('Another process migrates this database: waiting for it.')
    await delay(lockPollMs)
  }
}

async function inTransaction<T>(client: pg.Client, work: () => Promise<T>): Promise<T> {
  await client.query('begin')
  try {
    const result = await work()
    await client.query('commit')
    return result
  } catch (error) {
    // A lost session rolls back by itself.
    await client.query('rollback').catch(() => {})
    throw error
  }
}

async function applyMissing(client: pg.Client, log: (line: string) => void): Promise<string[]> {
  const { applied, hashes } = await readApplied(client)
  const migrations = readMigrations()
  const newer = [...applied].filter((name) => !migrations.some((migration) => migration.name === name))
  if (newer.length > 0) {
    log(`A newer version of Octopod has migrated this database (${newer.join(', ')}): nothing to do.`)
    return []
  }

  const missing = migrations.filter(({ name }) => !applied.has(name))
  for (const { name, text } of missing) {
    await apply(client, name, text)
    await client.query('insert into migrations (name, run_on) values ($1, now())', [name])
  }
  // A migration may have dropped a definition that was in its way.
  const changed = readDefinitions().filter(
    ({ name, hash }) => missing.length > 0 || hashes.get(name) !== hash,
  )
  for (const { name, text, hash } of changed) {
    await apply(client, `definitions/${name}`, text)
    await client.query(
      `insert into definitions (name, hash) values ($1, $2)
       on conflict (name) do update set hash = excluded.hash, applied_at = now()`,
      [name, hash],
    )
  }
  return [...missing.map(({ name }) => name), ...changed.map(({ name }) => `definitions/${name}`)]
}

/** The migrations and the hashes of the definitions that the database has. */
async function readApplied(
  client: pg.Client,
): Promise<{ applied: Set<string>; hashes: Map<string, string> }> {
  await client.query(`
    create table if not exists migrations (id serial primary key, name varchar(255) not null, run_on timestamp not null);
    create table if not exists definitions (name text primary key, hash text not null, applied_at timestamptz not null default now())`)
  await client.query('delete from migrations where name = any($1)', [formerMigrations])
  const migrations = await client.query<{ name: string }>('select name from migrations')
  const definitions = await client.query<{ name: string; hash: string }>('select name, hash from definitions')
  return {
    applied: new Set(migrations.rows.map(({ name }) => name)),
    hashes: new Map(definitions.rows.map(({ name, hash }) => [name, hash])),
  }
}

async function apply(client: pg.Client, name: string, text: string): Promise<void> {
  try {
    await client.query(text)
    // PostgreSQL alters no table whose deferred triggers wait.
    await client.query('set constraints all immediate; set constraints all deferred')
  } catch (error) {
    throw new Error(`${name}: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
}

function readMigrations(): { name: string; text: string }[] {
  return readdirSync(migrationsDir)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => ({
      name: file.slice(0, -'.sql'.length),
      text: readFileSync(new URL(file, migrationsDir), 'utf8'),
    }))
}

function readDefinitions(): { name: string; text: string; hash: string }[] {
  return definitionNames.map((name) => {
    const text = readFileSync(new URL(`${name}.sql`, definitionsDir), 'utf8')
    return { name, text, hash: createHash('sha256').update(text).digest('hex') }
  })
}
