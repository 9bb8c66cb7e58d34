/**
 * Migrations of a filled database that is in use: an open reader, readers and writers. The database starts as the first
 * commit with definitions found it (first-definitions.sql), so every later migration runs.
 */
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import pg from 'pg'
import { LockTimeout } from '../../db/lock-retries.ts'
import { runMigrations } from '../../db/run-migrations.ts'
import { createDatabase, createEmptyDatabase } from '../helpers/datastores.ts'
import { dumpSchema } from '../helpers/schema-dump.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { withDatabase } from '../helpers/with-database.ts'

const text = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

/** As many rows as make a mistake visible, not as many as an installation has. */
const fill = `
  insert into deployments (name, status, app_overrides, deployment_overrides, links)
  select 'd' || n, 'Running', '[["a", {"tag": "ValueAdded", "contents": "b"}]]', '[]', '[]' from generate_series(1, 3000) n;
  insert into actions (deployment_id, kind, state, app_overrides, deployment_overrides, actor, source, started_at, finished_at, exit_code)
  select d, 'update', 'succeeded', '[]', '[]', 'ann', 'api', now(), now(), 0
  from generate_series(1, 3000) d, generate_series(1, 10);
  insert into actions (deployment_id, kind, state, app_overrides, deployment_overrides, actor, source, started_at, lease_expires_at)
  select d, 'update', 'running', '[]', '[]', 'ann', 'api', now(), now() + interval '1 hour' from generate_series(1, 50) d;
  insert into action_output (action_id, seq, stream, text, fencing_token)
  select id, 1, 'stdout', 'a line', 0 from actions where state = 'running';`

async function createFilledDatabase() {
  const database = await createEmptyDatabase()
  await withDatabase(database.url, async (client) => {
    await client.query(text('../../db/migrations/0001_octopod-1-6.sql'))
    await client.query(text('../../db/migrations/0002_tables.sql'))
    await client.query(text('first-definitions.sql'))
    await client.query(fill)
  })
  return database
}

/** What servers and runners of every version do. */
const traffic: ((random: number) => [string, unknown[]])[] = [
  () => ['select sum(changes) from change_counts', []],
  (random) => ['select body from deployment_details where name = $1', [`d${random}`]],
  (random) => ['select id, state from actions where deployment_id = $1 order by id desc limit 20', [random]],
  (random) => [
    `update actions set lease_expires_at = now() + interval '1 hour', writer_token = fencing_token where deployment_id = $1 and state = 'running'`,
    [random % 50],
  ],
  (random) => [`update deployments set links = '[]', revision = default where id = $1`, [random]],
]

/** Sends `traffic` from several connections until `stop`, with the time limit of db/pool.ts. Collects the errors. */
function startTraffic(url: string) {
  const pool = new pg.Pool({ connectionString: url, max: 4, statement_timeout: 3000 })
  const errors: unknown[] = []
  let count = 0
  let isStopped = false
  const client = async () => {
    while (!isStopped)
      for (const request of traffic) {
        const [statement, values] = request(1 + Math.floor(Math.random() * 3000))
        await pool.query(statement, values).catch((error) => errors.push(error))
        count += 1
      }
  }
  const clients = Promise.all([1, 2, 3, 4].map(client))
  return {
    count: () => count,
    stop: async () => {
      isStopped = true
      await clients
      await pool.end()
      return errors
    },
  }
}

suite('migrations beside traffic', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'octopod-migrations-'))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  /** The migrations of the product and those of `files`, by name. */
  const withMigrations = (name: string, files: Record<string, string>): URL => {
    const target = join(folder, name)
    cpSync(new URL('../../db/migrations', import.meta.url), target, { recursive: true })
    for (const [file, sql] of Object.entries(files)) writeFileSync(join(target, file), sql)
    return pathToFileURL(`${target}/`)
  }

  test('While a reader holds the tables the migrations wait, and no request does', async () => {
    const database = await createFilledDatabase()
    const requests = startTraffic(database.url)
    const lines: string[] = []
    let migrating: Promise<string[]>
    try {
      await withDatabase(database.url, async (reader) => {
        await reader.query('begin')
        await reader.query('select from deployments, actions, action_output, change_counts limit 1')
        migrating = runMigrations(database.url, { log: (line) => lines.push(line) })
        migrating.catch(() => {})
        // Longer than a request may take.
        await waitFor('the migration has tried several times', async () => ({
          done: lines.length >= 6,
          value: null,
        }))
        const before = requests.count()
        await waitFor('requests are answered', async () => ({
          done: requests.count() > before + 100,
          value: null,
        }))
        await reader.query('commit')
        assert.ok((await migrating).includes('0003_checks-and-list-changes'))
      })
    } finally {
      assert.deepEqual(await requests.stop(), [])
    }
    assert.match(
      lines[0] ?? '',
      /^The migration waits for locks .*PID \d+ \(user \w+, idle in transaction, for \d+ s\)/,
    )
    const migrated = await createDatabase()
    assert.equal(await dumpSchema(database.url), await dumpSchema(migrated.url))
    await database.drop()
    await migrated.drop()
  })

  test('A migration that gets no lock in time changes nothing and names the session in its way', async () => {
    const database = await createFilledDatabase()
    const schema = await dumpSchema(database.url)
    await withDatabase(database.url, async (reader) => {
      await reader.query('begin')
      await reader.query('select from deployments limit 1')
      const [{ pid }] = (await reader.query('select pg_backend_pid() as pid')).rows
      await assert.rejects(
        runMigrations(database.url, { lockTimeoutMs: 50, retryForMs: 100 }),
        (error) => error instanceof LockTimeout && error.message.includes(`PID ${pid} `),
      )
      assert.equal(await dumpSchema(database.url), schema)
    })
    await database.drop()
  })

  const index = `-- Speeds up nothing.
create index concurrently if not exists actions_by_actor on actions (actor);
create unique index concurrently if not exists actions_by_reason on actions (reason);`
  const indexes = (url: string) =>
    withDatabase(url, async (client) => {
      const { rows } = await client.query(
        `select relname as name, indisvalid as valid from pg_index join pg_class on oid = indexrelid
         where relname in ('actions_by_actor', 'actions_by_reason') order by 1`,
      )
      return rows
    })

  test('An index of a filled table is made while writers work, and again after a failure', async () => {
    const database = await createDatabase()
    await withDatabase(database.url, (client) => client.query(fill))
    const migrationsDir = withMigrations('index', { '9000_index.sql': index })
    const duplicates = (reason: string | null) =>
      withDatabase(database.url, (client) =>
        client.query(`update actions set reason = $1, writer_token = fencing_token where state = 'running'`, [
          reason,
        ]),
      )
    await duplicates('twice')
    await assert.rejects(
      runMigrations(database.url, { migrationsDir }),
      /9000_index: could not create unique index/,
    )
    assert.deepEqual(await indexes(database.url), [
      { name: 'actions_by_actor', valid: true },
      { name: 'actions_by_reason', valid: false },
    ])
    await duplicates(null)
    await withDatabase(database.url, async (writer) => {
      await writer.query('begin')
      await writer.query(
        `update actions set reason = 'open', writer_token = fencing_token where id = (select max(id) from actions)`,
      )
      const migrating = runMigrations(database.url, { migrationsDir })
      await withDatabase(database.url, async (other) => {
        await waitFor('the migration waits for the writer', async () => {
          const { rowCount } = await other.query(
            `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%concurrently%'`,
          )
          return { done: rowCount === 1, value: null }
        })
        await other.query(
          `update actions set actor = 'bob', writer_token = fencing_token
           where id = (select min(id) from actions where state = 'running')`,
        )
      })
      await writer.query('commit')
      assert.deepEqual(await migrating, ['9000_index'])
    })
    assert.deepEqual(await indexes(database.url), [
      { name: 'actions_by_actor', valid: true },
      { name: 'actions_by_reason', valid: true },
    ])
    assert.deepEqual(await runMigrations(database.url, { migrationsDir }), [])
    await database.drop()
  })

  test('The migrations of a new database are one transaction, also those of indexes', async () => {
    const database = await createEmptyDatabase()
    const broken = { '9000_index.sql': index, '9001_broken.sql': 'create table actions ();' }
    await assert.rejects(
      runMigrations(database.url, { migrationsDir: withMigrations('broken', broken) }),
      /9001_broken: relation "actions" already exists/,
    )
    await withDatabase(database.url, async (client) => {
      const { rows } = await client.query(
        `select relname from pg_class where relnamespace = 'public'::regnamespace`,
      )
      assert.deepEqual(rows, [])
    })
    await runMigrations(database.url, { migrationsDir: withMigrations('index', { '9000_index.sql': index }) })
    assert.equal((await indexes(database.url)).length, 2)
    await database.drop()
  })
})
