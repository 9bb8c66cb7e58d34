/**
 * Migrates a database. Tables and indexes come from numbered files, forward only; functions, triggers and views have
 * one definition each, applied again whenever it changes. It may run repeatedly, in several processes at once, and
 * beside servers and runners. Called by db/migrate.ts and the tests.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import pg from 'pg'
import { delay } from '../lib/delay.ts'
import { type LockRetries, retryOnLockTimeout } from './lock-retries.ts'
import { createConnector } from './postgres/connect.ts'
import { setUpMigrationSession } from './postgres/migration-session.ts'
import { rejectUnsupportedDatabase } from './unsupported-database.ts'

const definitionsDir = new URL('definitions/', import.meta.url)
/** In this order: a body in SQL names only what exists already. */
const definitionNames = ['views', 'audit', 'functions', 'enqueue', 'triggers']
/** Were migrations once. They are definitions now. */
const formerMigrations = ['0003_triggers', '0004_views', '0005_functions']

/** node-pg-migrate took the same lock when it ran these migrations. */
const advisoryLockId = '7241865325823964'
const advisoryLockPollMs = 100

export type MigrationOptions = Partial<LockRetries> & { migrationsDir?: URL }
const defaultOptions = {
  migrationsDir: new URL('migrations/', import.meta.url),
  // A request may wait so long, for each table of the migration. Its own limit is three seconds.
  lockTimeoutMs: 500,
  retryForMs: 300_000,
  log: () => {},
}
/** `create index concurrently` waits for old transactions, and nobody waits for it. */
const concurrentLockTimeoutMs = 30_000

/**
 * Runs the missing migrations and the changed definitions, in one process at a time (advisory lock) and in one
 * transaction, then each `create index concurrently`. Upgrades an Octopod 1.6 database in place. Returns the names of what
 * ran. Throws UnsupportedDatabase and LockTimeout.
 */
export async function runMigrations(databaseUrl: string, options: MigrationOptions = {}): Promise<string[]> {
  const { migrationsDir, ...retries } = { ...defaultOptions, ...options }
  // A lost session does not end the process: the query that runs then is rejected.
  const connector = createConnector(databaseUrl, { connectTimeoutMs: 5000 })
  const client = await connector.connect()
  try {
    await setUpMigrationSession(client, connector)
    await acquireAdvisoryLock(client, retries.log)
    await rejectUnsupportedDatabase(client)
    return await runMissing(client, readMigrations(migrationsDir), retries)
  } finally {
    // Releases the lock.
    await client.end()
  }
}

/**
 * Polls: a session that waits inside `pg_advisory_lock` holds a snapshot, and `create index concurrently` would wait
 * for it.
 */
async function acquireAdvisoryLock(client: pg.Client, log: (line: string) => void): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    const { rows } = await client.query(`select pg_try_advisory_lock(${advisoryLockId}) as is_locked`)
    if (rows[0].is_locked) return
    if (attempt === 0) log('Another process migrates this database: waiting for it.')
    await delay(advisoryLockPollMs)
  }
}

type Migration = {
  name: string
  text: string
  /** Makes indexes of filled tables without locking out writers. PostgreSQL does it outside a transaction only. */
  isConcurrent: boolean
}

async function runMissing(
  client: pg.Client,
  migrations: readonly Migration[],
  retries: LockRetries,
): Promise<string[]> {
  const applied = await readApplied(client)
  const newer = applied.filter((name) => !migrations.some((migration) => migration.name === name))
  if (newer.length > 0) {
    retries.log(`A newer version of Octopod has migrated this database (${newer.join(', ')}): nothing to do.`)
    return []
  }
  const names: string[] = []
  const missing = migrations.filter(({ name }) => !applied.includes(name))
  for (const step of planSteps(missing, applied.length === 0))
    names.push(
      ...('concurrent' in step
        ? await retryOnLockTimeout(client, { ...retries, lockTimeoutMs: concurrentLockTimeoutMs }, () =>
            makeIndexes(client, step.concurrent),
          )
        : await retryOnLockTimeout(client, retries, () =>
            inTransaction(client, () => applyMigrations(client, step.inTransaction)),
          )),
    )
  return names
}

async function readApplied(client: pg.Client): Promise<string[]> {
  const table = await client.query(
    `select from information_schema.tables where table_schema = current_schema() and table_name = 'migrations'`,
  )
  if (table.rowCount === 0) return []
  const { rows } = await client.query<{ name: string }>('select name from migrations order by id')
  return rows.map(({ name }) => name).filter((name) => !formerMigrations.includes(name))
}

type Step = { inTransaction: Migration[] } | { concurrent: Migration }

/**
 * One transaction, which ends with the definitions: servers and runners that work meanwhile never see tables without
 * their triggers and views. Indexes of filled tables come after it. A new database has no users yet, nor has one of Octopod
 * 1.6: all of it is one transaction there, so that a failure changes nothing.
 */
function planSteps(missing: readonly Migration[], isFirstRun: boolean): Step[] {
  const isApart = ({ isConcurrent }: Migration) => isConcurrent && !isFirstRun
  return [
    { inTransaction: missing.filter((migration) => !isApart(migration)) },
    ...missing.filter(isApart).map((concurrent) => ({ concurrent })),
  ]
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

async function applyMigrations(client: pg.Client, migrations: readonly Migration[]): Promise<string[]> {
  await client.query(`
    create table if not exists migrations (id serial primary key, name varchar(255) not null, run_on timestamp not null);
    create table if not exists definitions (name text primary key, hash text not null, applied_at timestamptz not null default now())`)
  await client.query('delete from migrations where name = any($1)', [formerMigrations])
  for (const { name, text } of migrations) {
    await run(client, name, text.replaceAll(/\bconcurrently\b/g, ''))
    await recordMigration(client, name)
  }
  // A migration may have dropped a definition that was in its way.
  const definitions = await applyDefinitions(client, migrations.length > 0)
  return [...migrations.map(({ name }) => name), ...definitions]
}

/** Applies the definitions that have changed, or `all`. */
async function applyDefinitions(client: pg.Client, all: boolean): Promise<string[]> {
  const { rows } = await client.query<{ name: string; hash: string }>('select name, hash from definitions')
  const hashes = new Map(rows.map(({ name, hash }) => [name, hash]))
  const changed = readDefinitions().filter(({ name, hash }) => all || hashes.get(name) !== hash)
  for (const { name, text, hash } of changed) {
    await run(client, `definitions/${name}`, text)
    await client.query(
      `insert into definitions (name, hash) values ($1, $2)
       on conflict (name) do update set hash = excluded.hash, applied_at = now()`,
      [name, hash],
    )
  }
  return changed.map(({ name }) => `definitions/${name}`)
}

/** May be repeated after a failure at any point: an index whose making failed is made again. */
async function makeIndexes(client: pg.Client, { name, text }: Migration): Promise<string[]> {
  const { rows } = await client.query<{ index: string }>(
    `select relname as index from pg_index join pg_class on oid = indexrelid
     where not indisvalid and relnamespace = (select oid from pg_namespace where nspname = current_schema())`,
  )
  for (const { index } of rows)
    if (new RegExp(`\\b${index}\\b`).test(text))
      await run(client, name, `drop index concurrently if exists ${pg.escapeIdentifier(index)}`)
  const statements = withoutComments(text).split(';')
  for (const statement of statements) if (statement.trim() !== '') await run(client, name, statement)
  await recordMigration(client, name)
  return [name]
}

async function run(client: pg.Client, name: string, text: string): Promise<void> {
  try {
    await client.query(text)
    // PostgreSQL alters no table whose deferred triggers wait.
    await client.query('set constraints all immediate; set constraints all deferred')
  } catch (error) {
    throw new Error(`${name}: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
}

async function recordMigration(client: pg.Client, name: string): Promise<void> {
  await client.query('insert into migrations (name, run_on) values ($1, now())', [name])
}

function readMigrations(folder: URL): Migration[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => {
      const text = readFileSync(new URL(file, folder), 'utf8')
      const isConcurrent = /\bindex concurrently\b/.test(withoutComments(text))
      return { name: file.slice(0, -'.sql'.length), text, isConcurrent }
    })
}

const withoutComments = (text: string) => text.replaceAll(/--.*$/gm, '')

function readDefinitions(): { name: string; text: string; hash: string }[] {
  return definitionNames.map((name) => {
    const text = readFileSync(new URL(`${name}.sql`, definitionsDir), 'utf8')
    return { name, text, hash: createHash('sha256').update(text).digest('hex') }
  })
}
