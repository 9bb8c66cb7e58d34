/** The pool and the migration behind a real pgbouncer. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { sql } from 'slonik'
import { z } from 'zod'
import { isUniqueViolation } from '../../../db/errors.ts'
import { type Database, openPool, type PoolOptions } from '../../../db/pool.ts'
import { runMigrations } from '../../../db/run-migrations.ts'
import { createEmptyDatabase } from '../../helpers/datastores.ts'
import { withDatabase } from '../../helpers/with-database.ts'
import { repeat, useTestDatabase } from '../fixtures.ts'
import { missingPrograms } from './installed.ts'
import { type PgbouncerOptions, startPgbouncer } from './pgbouncer.ts'

const db = useTestDatabase(2)
const skip = missingPrograms('pgbouncer')
const text = z.object({ value: z.string() })
const setting = (name: string) => sql.type(text)`select current_setting(${name}) as value`

async function behindPgbouncer(
  options: PgbouncerOptions & Partial<PoolOptions>,
  work: (pool: Database, url: string) => Promise<void>,
): Promise<void> {
  await db.opened
  const pgbouncer = await startPgbouncer(db.url, options)
  const url = pgbouncer.through(db.url)
  try {
    const pool = await openPool(url, { size: 10, ...options })
    try {
      await work(pool, url)
    } finally {
      await pool.end()
    }
  } finally {
    await pgbouncer.stop()
  }
}

for (const poolMode of ['transaction', 'session'] as const)
  suite(`pool_mode=${poolMode}`, { skip }, () => {
    const poolSize = poolMode === 'transaction' ? 2 : 10

    test('More clients than sessions of PostgreSQL run statements and transactions side by side', () =>
      behindPgbouncer({ poolMode, poolSize }, async (pool) => {
        await db.raw('create table counters (id int primary key, count int not null)')
        await db.raw('insert into counters select generate_series(0, 4), 0')
        const add = (id: number) =>
          pool.transaction(async (transaction) => {
            await transaction.query(sql.unsafe`select from counters where id = ${id} for update`)
            await transaction.query(sql.unsafe`update counters set count = count + 1 where id = ${id}`)
          })
        const addOutside = (id: number) =>
          pool.query(sql.unsafe`update counters set count = count + 1 where id = ${id}`)
        await Promise.all(
          repeat(10, async () => {
            for (const id of [0, 1, 2, 3, 4]) await (id % 2 === 0 ? add(id) : addOutside(id))
          }),
        )
        const counts = await pool.any(sql.type(z.object({ count: z.number() }))`select count from counters`)
        assert.deepEqual(
          counts.map(({ count }) => count),
          [10, 10, 10, 10, 10],
        )
        await db.raw('drop table counters')
      }))

    test("A statement and a transaction have the pool's settings, and no session of PostgreSQL keeps them", () =>
      behindPgbouncer({ poolMode, poolSize, queryTimeoutMs: 1234 }, async (pool, url) => {
        const [{ role, name }] = await db.raw('select current_user as role, current_database() as name')
        const owner = `role ${role} in database ${name}`
        await db.raw(`alter ${owner} set statement_timeout = '2min'`)
        await db.raw(`alter ${owner} set datestyle = 'German'`)
        await db.raw(`alter ${owner} set default_transaction_isolation = 'serializable'`)
        try {
          const fresh = await openPool(url, { size: 2, queryTimeoutMs: 1234 })
          for (const one of [pool, fresh]) {
            assert.equal(await one.oneFirst(setting('statement_timeout')), '1234ms')
            await one.transaction(async (transaction) => {
              assert.equal(await transaction.oneFirst(setting('statement_timeout')), '1234ms')
              assert.equal(await transaction.oneFirst(setting('idle_in_transaction_session_timeout')), '10s')
              assert.equal(await transaction.oneFirst(setting('datestyle')), 'ISO, MDY')
              assert.equal(await transaction.oneFirst(setting('transaction_isolation')), 'read committed')
            })
          }
          await fresh.end()
          await withDatabase(url, async (client) => {
            const { rows } = await client.query('show statement_timeout')
            assert.notEqual(rows[0].statement_timeout, '1234ms')
          })
        } finally {
          await db.raw(`alter ${owner} reset all`)
        }
      }))

    test('PostgreSQL cancels a slow statement, and an error leaves the connection usable', () =>
      behindPgbouncer({ poolMode, poolSize, queryTimeoutMs: 300, size: 1 }, async (pool) => {
        const slow = await pool.query(sql.unsafe`select pg_sleep(20)`).catch((error) => error)
        assert.match(String(slow), /statement timeout/i)
        await db.raw('create table once (id int primary key)')
        const insert = sql.unsafe`insert into once values (1)`
        await pool.query(insert)
        assert.ok(isUniqueViolation(await pool.query(insert).catch((error) => error)))
        await assert.rejects(pool.query(sql.unsafe`select ${'x'}::int`), /invalid input syntax/)
        const failed = pool.transaction(async (transaction) => {
          await transaction.query(sql.unsafe`delete from once`)
          await transaction.query(sql.unsafe`select 1 / 0`)
        })
        await assert.rejects(failed, /division by zero/)
        assert.equal(await pool.oneFirst(sql.type(z.object({ id: z.number() }))`select id from once`), 1)
        await db.raw('drop table once')
      }))
  })

suite('start', { skip }, () => {
  test('pool_mode=statement is refused at the start, with what to set', async () => {
    await assert.rejects(
      behindPgbouncer({ poolMode: 'statement' }, async () => {}),
      /^UnusableDatabase: DATABASE_URL: the pooler has pool_mode=statement.*set pool_mode=transaction/,
    )
  })

  test('Session options in the URL are refused at once, with what to do instead', async () => {
    await db.opened
    const pgbouncer = await startPgbouncer(db.url, { poolMode: 'transaction' })
    try {
      const url = `${pgbouncer.through(db.url)}?options=-c%20search_path%3Dstaging`
      await assert.rejects(
        openPool(url, { size: 1, startupTimeoutMs: 60_000 }),
        /^UnusableDatabase: DATABASE_URL: the pooler refuses the parameter options; .*alter role/,
      )
    } finally {
      await pgbouncer.stop()
    }
  })
})

suite('migration', { skip }, () => {
  const behind = async (
    poolMode: 'session' | 'transaction',
    work: (url: string, direct: string) => Promise<void>,
  ) => {
    const database = await createEmptyDatabase()
    const pgbouncer = await startPgbouncer(database.url, { poolMode })
    try {
      await work(pgbouncer.through(database.url), database.url)
    } finally {
      await pgbouncer.stop()
      await database.drop()
    }
  }

  test('It runs behind pool_mode=session', () =>
    behind('session', async (url) => {
      assert.notEqual((await runMigrations(url)).length, 0)
      assert.deepEqual(await runMigrations(url), [])
    }))

  test('It is refused behind pool_mode=transaction, with the setting that helps', () =>
    behind('transaction', async (url, direct) => {
      await assert.rejects(
        runMigrations(url),
        /^UnusableDatabase: DATABASE_URL: .*set MIGRATION_DATABASE_URL/,
      )
      await withDatabase(direct, async (client) => {
        const { rows } = await client.query(`select from pg_class where relname = 'deployments'`)
        assert.equal(rows.length, 0)
      })
    }))
})
