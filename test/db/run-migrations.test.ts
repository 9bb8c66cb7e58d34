/** Migrations of an empty database and of an Octopod 1.6 database: repeated, concurrent and failing. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { after, before, suite, test } from 'node:test'
import { type Database, openPool } from '../../db/pool.ts'
import { finish, start } from '../../db/queries/action-lifecycle.ts'
import { getAction, readActions } from '../../db/queries/actions.ts'
import { claimChecks } from '../../db/queries/checks.ts'
import { countEarlierOutput } from '../../db/queries/history/count-output.ts'
import { getOutput } from '../../db/queries/output.ts'
import { findExpiredArchives } from '../../db/queries/retention.ts'
import { runMigrations } from '../../db/run-migrations.ts'
import { type FullInfoWithCheck, fullInfoWithCheck, info } from '../../domain/schemas.ts'
import { type Status, statuses, statusTable, toRecordedStatus } from '../../domain/statuses.ts'
import { createDatabase, createEmptyDatabase } from '../helpers/datastores.ts'
import { dumpSchema } from '../helpers/schema-dump.ts'
import { withDatabase } from '../helpers/with-database.ts'
import {
  claimNow,
  collect,
  enqueue,
  getFullInfo,
  getWholeOutput,
  readWholeInfo,
  repeat,
  scriptResult,
  type TestDatabase,
} from './fixtures.ts'

const filesIn = (folder: string) =>
  readdirSync(new URL(folder, import.meta.url)).map((file) => file.replace(/\.sql$/, ''))
const definitions = filesIn('../../db/definitions').map((name) => `definitions/${name}`)
const names = [...filesIn('../../db/migrations'), ...definitions].sort()
const fixture = await readFile(new URL('octopod-1-6.sql', import.meta.url), 'utf8')
const firstDefinitions = await readFile(new URL('first-definitions.sql', import.meta.url), 'utf8')

/** An empty database for one test; `work` gets its address. */
async function inEmptyDatabase<T>(work: (url: string) => Promise<T>): Promise<T> {
  const database = await createEmptyDatabase()
  try {
    return await work(database.url)
  } finally {
    await database.drop()
  }
}

const readColumns = (url: string) =>
  withDatabase(url, async (client) => {
    const { rows } = await client.query(
      `select table_name, column_name, data_type, is_nullable from information_schema.columns
       where table_schema = 'public' order by 1, 2`,
    )
    return rows
  })

suite('migrations', () => {
  test('Migrations prepare an empty database, and a second run changes nothing', () =>
    inEmptyDatabase(async (url) => {
      assert.deepEqual((await runMigrations(url)).sort(), names)
      const made = await readColumns(url)
      assert.deepEqual(await runMigrations(url), [])
      assert.deepEqual(await readColumns(url), made)
    }))

  test('Twenty concurrent runs migrate once', () =>
    inEmptyDatabase(async (url) => {
      const ran = await Promise.all(repeat(20, () => runMigrations(url)))
      assert.deepEqual(ran.flat().sort(), names)
    }))

  test('A failed migration changes nothing', () =>
    inEmptyDatabase(async (url) => {
      await withDatabase(url, async (client) => {
        await client.query(fixture)
        // Conflicts with the last table of the second migration.
        await client.query('create table idempotency_keys (mine int)')
      })
      const old = await readColumns(url)
      const lines: string[] = []
      await assert.rejects(runMigrations(url, { log: (line) => lines.push(line) }), /idempotency_keys/)
      assert.deepEqual(await readColumns(url), old)
      await withDatabase(url, async (client) => {
        assert.equal((await client.query('select from deployment_logs')).rowCount, 12)
        await client.query('drop table idempotency_keys')
      })
      assert.deepEqual(
        (await runMigrations(url)).sort(),
        names,
        'the next run succeeds after the cause is removed',
      )
    }))

  test('A definition that has changed is applied again, and no other', () =>
    inEmptyDatabase(async (url) => {
      await runMigrations(url)
      const schema = await dumpSchema(url)
      await withDatabase(url, (client) =>
        client.query(`
          create or replace function to_api_action_kind(kind text) returns text language sql immutable as $$ select kind $$;
          drop trigger count_update on deployments;
          update definitions set hash = 'of an earlier text' where name <> 'functions'`),
      )
      assert.deepEqual(await runMigrations(url), [
        'definitions/views',
        'definitions/audit',
        'definitions/enqueue',
        'definitions/triggers',
      ])
      assert.equal(await dumpSchema(url), schema)
      assert.deepEqual(await runMigrations(url), [])
    }))

  test('A database whose functions, triggers and views were migrations gets the schema of an empty one', async () => {
    const migrated = await createDatabase()
    await inEmptyDatabase(async (url) => {
      await withDatabase(url, async (client) => {
        for (const file of ['0001_octopod-1-6.sql', '0002_tables.sql'])
          await client.query(await readFile(new URL(`../../db/migrations/${file}`, import.meta.url), 'utf8'))
        await client.query(firstDefinitions)
      })
      const missing = names.filter((name) => !['0001_octopod-1-6', '0002_tables'].includes(name))
      assert.deepEqual((await runMigrations(url)).sort(), missing)
      assert.equal(await dumpSchema(url), await dumpSchema(migrated.url))
    })
    await migrated.drop()
  })

  test('A database that a newer version has migrated stays as it is', () =>
    inEmptyDatabase(async (url) => {
      await runMigrations(url)
      await withDatabase(url, (client) =>
        client.query(`
          insert into migrations (name, run_on) values ('9999_of-a-newer-version', now());
          update definitions set hash = 'of a newer version'`),
      )
      const lines: string[] = []
      assert.deepEqual(await runMigrations(url, { log: (line) => lines.push(line) }), [])
      assert.match(lines.join(), /newer version .*9999_of-a-newer-version/)
    }))

  test('An unreachable database fails at once with its error', async () => {
    await assert.rejects(runMigrations('postgres://127.0.0.1:1/nothing'), /ECONNREFUSED/)
  })
})

suite('Octopod 1.6 database', () => {
  let db: TestDatabase
  let pool: Database
  let old: Record<string, { stdout: string | null; stderr: string | null }>
  let drop: () => Promise<void>
  before(async () => {
    const database = await createEmptyDatabase()
    drop = database.drop
    old = await withDatabase(database.url, async (client) => {
      await client.query(fixture)
      const { rows } = await client.query('select id, stdout, stderr from deployment_logs')
      return Object.fromEntries(rows.map((row) => [row.id, row]))
    })
    await runMigrations(database.url)
    pool = await openPool(database.url, { size: 2 })
    const raw = (text: string, values?: unknown[]) =>
      withDatabase(database.url, async (client) => (await client.query(text, values)).rows)
    db = { url: database.url, pool, raw }
  })
  after(async () => {
    await pool?.end()
    await drop?.()
  })
  const fullInfo = async (name: string): Promise<FullInfoWithCheck> =>
    fullInfoWithCheck.parse(JSON.parse(await getFullInfo(pool, name)))

  test('Deployments keep their times, overrides, links and status', async () => {
    const running = await fullInfo('running')
    assert.deepEqual(running.deployment, {
      name: 'running',
      app_overrides: [
        ['image.tag', { tag: 'ValueAdded', contents: 'v1' }],
        ['debug', { tag: 'ValueDeleted' }],
      ],
      deployment_overrides: [['replicas', { tag: 'ValueAdded', contents: '2' }]],
    })
    assert.deepEqual(running.metadata, [
      { name: 'app', link: 'https://running.example.com' },
      { name: 'logs', link: 'https://logs.example.com/?q=running' },
    ])
    assert.equal(Date.parse(running.created_at), Date.parse('2022-01-01T10:00:00.5Z'))
    assert.equal(Date.parse(running.updated_at), Date.parse('2022-02-04T10:00:00Z'))
    const [, override] = (await fullInfo('partial')).deployment.app_overrides[0] ?? []
    assert.deepEqual(override, { tag: 'ValueAdded', contents: 'line\nbreak "quoted" ключ 😀' })
  })

  test('Statuses are kept; an unknown one becomes a failure that the next check corrects', async () => {
    const kept: Record<string, Status> = {
      running: 'Running',
      generic: 'GenericFailure',
      partial: 'PartialAvailability',
      mismatch: 'TagMismatch',
      creating: 'CreatePending',
      updating: 'UpdatePending',
      archiving: 'ArchivePending',
      archived: 'Archived',
      uncleaned: 'CleanupFailed',
      odd: 'GenericFailure',
    }
    assert.deepEqual(
      new Set(Object.values(kept)),
      new Set(statuses.map((one) => statusTable[one].legacyStatus)),
    )
    for (const [name, status] of Object.entries(kept)) {
      const { tag, recorded_status } = (await fullInfo(name)).status
      assert.deepEqual([tag, recorded_status], ['DeploymentNotPending', toRecordedStatus(status)], name)
    }
  })

  test('Actions keep their exit code, duration, time and overrides', async () => {
    const { logs } = info.parse(await readWholeInfo(pool, 'running'))
    const seen = logs.map((log) => [
      log.action_id,
      log.action,
      log.exit_code,
      log.duration.time,
      Date.parse(log.created_at),
    ])
    assert.deepEqual(seen, [
      [4, 'UpdateAction', 0, 0, Date.parse('2022-01-03T10:00:00Z')],
      [2, 'UpdateAction', 1, 60.5, Date.parse('2022-01-02T10:00:00Z')],
      [1, 'CreateAction', 0, 12.345678, Date.parse('2022-01-01T10:00:12.345Z')],
    ])
    assert.deepEqual(logs[2]?.deployment_app_overrides, [
      ['image.tag', { tag: 'ValueAdded', contents: 'v0' }],
    ])
    assert.match(logs[2]?.created_at ?? '', /12\.345678Z$/)
    const long = info.parse(await readWholeInfo(pool, 'uncleaned')).logs[0]
    assert.deepEqual([long?.exit_code, long?.duration.time], [-1, 26 * 3600])
  })

  test('Actions get the kinds of Octopod 2: delete becomes archive, none becomes update', async () => {
    const kinds = async (name: string) =>
      (await collect(readActions(pool, name, 10))).map((action) => action.action)
    assert.deepEqual(await kinds('archived'), [
      'ArchiveAction',
      'RestoreAction',
      'ArchiveAction',
      'CreateAction',
    ])
    assert.deepEqual(await kinds('generic'), ['UpdateAction', 'UpdateAction'])
    const { state, actor, source, exit_code } = await getAction(pool, 10)
    assert.deepEqual([state, actor, source, exit_code], ['failed', 'unknown', 'octopod-1', 137])
    assert.equal((await getAction(pool, 1)).state, 'succeeded')
  })

  test('All output is kept to the last byte, also of several chunks and without a deployment', async () => {
    for (const [id, { stdout, stderr }] of Object.entries(old)) {
      const whole = await getWholeOutput(pool, Number(id))
      assert.ok(whole.stdout === (stdout ?? ''), `stdout of ${id}`)
      assert.ok(whole.stderr === (stderr ?? ''), `stderr of ${id}`)
    }
    const [{ most, chunks }] = await db.raw(
      'select max(octet_length(text)) as most, count(*)::int as chunks from action_output where action_id = 20',
    )
    assert.ok(most <= 65_536 && chunks > 10, `${chunks} chunks of at most ${most} bytes`)
    const page = await getOutput(pool, 20, 0, 5)
    assert.deepEqual(
      page.chunks.map((chunk) => [chunk.seq, chunk.stream]),
      repeat(5, (at) => [at + 1, 'stdout']),
    )
    assert.equal(page.done, false)
    assert.equal((await getOutput(pool, 4, 0, 5)).done, true)
  })

  test('All output is counted once, after the migration', async () => {
    let steps = 0
    for (let more = true; more; steps += 1) more = await countEarlierOutput(pool, 7)
    assert.ok(steps > 2, `${steps} steps`)
    assert.equal(await countEarlierOutput(pool, 7), false)
    const [counted] =
      await db.raw(`select o.*, (select json_build_object('bytes', sum(bytes), 'chunks', sum(chunks)) from output_totals) as totals
      from (select sum(bytes)::int as bytes, sum(chunks)::int as chunks from stored_outputs) o`)
    const [stored] = await db.raw(
      'select sum(octet_length(text))::int as bytes, count(*)::int as chunks from action_output',
    )
    assert.deepEqual(counted, { ...stored, totals: stored })
  })

  test('No foreign key holds actions to their deployment or output to its action', async () => {
    const keys = await db.raw(
      `select conname from pg_constraint where contype = 'f' and conrelid in ('actions'::regclass, 'action_output'::regclass)`,
    )
    assert.deepEqual(keys, [])
  })

  test('An action without a deployment is in no list', async () => {
    await assert.rejects(getAction(pool, 13), { code: 'no_such_action' })
    const [row] = await db.raw('select kind, state from actions where id = 13')
    assert.deepEqual(row, { kind: 'create', state: 'succeeded' })
  })

  test('The database works on: ids continue, checks are due, archives expire, new actions start', async () => {
    const { actionId } = await enqueue(db, 'update', 'running')
    assert.equal(actionId, 21)
    const claimed = await claimNow(db, actionId)
    await start(pool, claimed, null)
    await finish(pool, claimed, scriptResult(0))
    await enqueue(db, 'create', 'newer')
    const [{ id }] = await db.raw(`select id from deployments where name = 'newer'`)
    assert.equal(id, '41')
    const due = await claimChecks(pool, 100, 60_000)
    assert.deepEqual(due.map((one) => one.name).sort(), [
      'archiving',
      'creating',
      'generic',
      'mismatch',
      'odd',
      'partial',
      'running',
      'updating',
    ])
    assert.deepEqual(await findExpiredArchives(pool, 1000, 10), ['archived'])
    assert.ok((await fullInfo('running')).revision > 0)
  })

  test('Its tables equal those of a database that was empty', async () => {
    const nullable = (rows: { is_nullable: string }[]) => rows.map((row) => ({ ...row, is_nullable: '' }))
    const migrated = await createDatabase()
    assert.deepEqual(nullable(await readColumns(db.url)), nullable(await readColumns(migrated.url)))
    await migrated.drop()
  })

  test('The schema sqitch and the unused types stay', async () => {
    const [{ changes }] = await db.raw('select count(*)::int as changes from sqitch.changes')
    assert.equal(changes, 2)
    const types = await db.raw(`select typname from pg_type where typtype = 'e' order by 1`)
    assert.deepEqual(
      types.map((type) => type.typname),
      ['octopod_1_actions', 'scopes', 'statuses', 'visibilities'],
    )
  })
})
