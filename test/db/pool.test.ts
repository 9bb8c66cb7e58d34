/** The pool: validated rows, time limits, recovery after a broken connection, a start that waits. */
import assert from 'node:assert/strict'
import { connect, createServer } from 'node:net'
import { suite, test } from 'node:test'
import { sql } from 'slonik'
import { z } from 'zod'
import { classifyStoreError, isDatabaseUnavailable, knownNotCommitted } from '../../db/errors.ts'
import { type Database, openPool, type PoolOptions } from '../../db/pool.ts'
import { freePort } from '../../lib/node/ports.ts'
import { startTcpProxy, type TcpProxy } from '../helpers/tcp-proxy.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { withDatabase } from '../helpers/with-database.ts'
import { repeat, settleAll, useTestDatabase } from './fixtures.ts'

const db = useTestDatabase(2)
const one = sql.type(z.object({ one: z.number() }))`select 1 as one`
const sleep = (seconds: number) => sql.unsafe`select pg_sleep(${seconds})`

async function timed<T>(work: () => Promise<T>): Promise<{ ms: number; error: unknown }> {
  const start = performance.now()
  const error = await work().then(
    () => null,
    (reason) => reason,
  )
  return { ms: performance.now() - start, error }
}

async function behindProxy(
  options: PoolOptions,
  work: (pool: Database, proxy: TcpProxy) => Promise<void>,
): Promise<void> {
  const proxy = await startTcpProxy(db.url)
  const pool = await openPool(proxy.url, options)
  try {
    await work(pool, proxy)
  } finally {
    proxy.thaw()
    await pool.end()
    await proxy.close()
  }
}

suite('rows', () => {
  test('A row that does not match its schema is an error that names the column', async () => {
    const query = sql.type(z.object({ one: z.string(), two: z.number() }))`select 1 as one, null as two`
    await assert.rejects(db.pool.any(query), /a row does not match its schema \(one: .*; two: /)
    assert.equal(isDatabaseUnavailable(await db.pool.any(query).catch((error) => error)), false)
  })

  test('bigint becomes a number, jsonb its value, text stays text', async () => {
    const row = z.object({ id: z.number(), value: z.array(z.number()), text: z.string() })
    const query = sql.type(row)`select 9007199254740991::bigint as id, '[1,2]'::jsonb as value, 'x' as text`
    assert.deepEqual(await db.pool.one(query), { id: 9007199254740991, value: [1, 2], text: 'x' })
  })

  test('A bigint outside the safe integer range is an error', async () => {
    const query = sql.type(z.object({ id: z.number() }))`select 9007199254740993::bigint as id`
    await assert.rejects(db.pool.one(query))
  })
})

suite('session', () => {
  /** Settings that a role, a database or a server may have, and the value that a session of the pool has. */
  const foreign: Record<string, [theirs: string, ours: string]> = {
    datestyle: ['SQL, DMY', 'ISO, MDY'],
    intervalstyle: ['iso_8601', 'postgres'],
    timezone: ['America/Caracas', 'UTC'],
    client_encoding: ['LATIN1', 'UTF8'],
    bytea_output: ['escape', 'hex'],
    extra_float_digits: ['-15', '1'],
    standard_conforming_strings: ['off', 'on'],
    array_nulls: ['off', 'on'],
    transform_null_equals: ['on', 'off'],
    default_transaction_isolation: ['serializable', 'read committed'],
    default_transaction_deferrable: ['on', 'off'],
    statement_timeout: ['50ms', '1s'],
    lock_timeout: ['1ms', '0'],
    transaction_timeout: ['50ms', '0'],
    idle_in_transaction_session_timeout: ['1ms', '10s'],
    idle_session_timeout: ['50ms', '0'],
    exit_on_error: ['on', 'off'],
  }

  test('The settings of the role and the database reach no session', async () => {
    const [{ role, name }] = await db.raw('select current_user as role, current_database() as name')
    const owners = [`database ${name}`, `role ${role} in database ${name}`]
    for (const owner of owners)
      for (const [setting, [theirs]] of Object.entries(foreign))
        await db.raw(`alter ${owner} set ${setting} = ${setting === 'datestyle' ? theirs : `'${theirs}'`}`)
    const pool = await openPool(db.url, { size: 1, queryTimeoutMs: 1000 })
    try {
      const row = z.object({ name: z.string(), value: z.string() })
      const settings = await pool.any(sql.type(row)`
        select name, current_setting(name) as value from unnest(${sql.array(Object.keys(foreign), 'text')}) as name`)
      assert.deepEqual(
        Object.fromEntries(settings.map(({ name, value }) => [name, value])),
        Object.fromEntries(Object.entries(foreign).map(([name, [, ours]]) => [name, ours])),
      )
    } finally {
      await pool.end()
      for (const owner of owners) await db.raw(`alter ${owner} reset all`)
    }
  })

  test('The schema of the role stays: an installation need not be in public', async () => {
    const [{ role, name }] = await db.raw('select current_user as role, current_database() as name')
    await db.raw(
      `create schema staging; create table staging.here (one int); insert into staging.here values (1)`,
    )
    await db.raw(`alter role ${role} in database ${name} set search_path = staging`)
    const pool = await openPool(db.url, { size: 1 })
    try {
      assert.equal(await pool.oneFirst(sql.type(z.object({ one: z.number() }))`select one from here`), 1)
    } finally {
      await pool.end()
      await db.raw(`alter role ${role} in database ${name} reset all`)
    }
  })
})

suite('slow query', () => {
  test('PostgreSQL cancels a slow query, and the connection stays usable', async () => {
    const pool = await openPool(db.url, { size: 1, queryTimeoutMs: 200 })
    const { ms, error } = await timed(() => pool.query(sleep(5)))
    assert.ok(error !== null && ms < 1200, `${ms} ms`)
    assert.equal(isDatabaseUnavailable(error), true, 'a timeout counts as unavailable')
    assert.equal(await pool.oneFirst(one), 1)
    await pool.end()
  })
})

suite('busy pool', () => {
  test('A wait for a connection ends after the query timeout, and the query never runs', async () => {
    const pool = await openPool(db.url, { size: 2, queryTimeoutMs: 1000 })
    await db.raw('create table late (at int)')
    await Promise.all(repeat(2, () => pool.oneFirst(one)))
    const busy = repeat(2, () => pool.query(sleep(0.7)))
    const next = repeat(2, () => pool.query(sleep(0.7)))
    const late = await timed(() => pool.query(sql.unsafe`insert into late values (1)`))
    assert.ok(isDatabaseUnavailable(late.error), String(late.error))
    assert.ok(late.ms < 2000, `${late.ms} ms`)
    await Promise.all([...busy, ...next])
    assert.equal(await pool.oneFirst(one), 1)
    assert.deepEqual(await db.raw('select * from late'), [])
    await pool.end()
  })
})

suite('unresponsive connection', { concurrency: true }, () => {
  const queryTimeoutMs = 250
  const limitMs = queryTimeoutMs + 1000

  test('A query fails in time as unavailable, and the pool recovers', () =>
    behindProxy({ size: 2, queryTimeoutMs }, async (pool, proxy) => {
      assert.equal(await pool.oneFirst(one), 1)
      proxy.freeze()
      const { ms, error } = await timed(() => pool.one(one))
      assert.ok(ms < limitMs, `${ms} ms`)
      assert.ok(isDatabaseUnavailable(error), String(error))
      proxy.thaw()
      await waitFor('the pool answers again', async () => {
        const { error: again } = await timed(() => pool.one(one))
        return { done: again === null, value: null, seen: String(again) }
      })
    }))

  test('A transaction fails in time at any step, and nothing of it is committed', () =>
    behindProxy({ size: 2, queryTimeoutMs }, async (pool, proxy) => {
      await db.raw('create table notes (text text)')
      const { ms, error } = await timed(() =>
        pool.transaction(async (transaction) => {
          await transaction.query(sql.unsafe`insert into notes values ('half')`)
          proxy.freeze()
          await transaction.query(sql.unsafe`insert into notes values ('done')`)
        }),
      )
      assert.ok(ms < 2 * limitMs, `${ms} ms`)
      assert.ok(isDatabaseUnavailable(error), String(error))
      proxy.thaw()
      await waitFor('the pool answers again', async () => {
        const { error: again } = await timed(() => pool.one(one))
        return { done: again === null, value: null, seen: String(again) }
      })
      assert.deepEqual(await db.raw('select * from notes'), [])
    }))

  test('Queries that wait for a connection fail as well, and none stays in the queue', () =>
    behindProxy({ size: 2, queryTimeoutMs }, async (pool, proxy) => {
      // One after the other: the start of a connection may take most of the time limit.
      await pool.one(one)
      await Promise.all(repeat(2, () => pool.one(one)))
      proxy.freeze()
      const waiting = await Promise.all(repeat(12, () => timed(() => pool.one(one))))
      const slowest = Math.max(...waiting.map(({ ms }) => ms))
      assert.ok(waiting.every(({ error }) => isDatabaseUnavailable(error)))
      assert.ok(slowest < 6 * limitMs, `the last of 12 failed after ${slowest} ms`)
      proxy.thaw()
      await waitFor('the pool answers again', async () => {
        const { lost } = await settleAll(repeat(10, () => pool.one(one)))
        return { done: lost.length === 0, value: null, seen: lost.map(String) }
      })
      await waitFor('dead connections are closed', async () => ({
        done: proxy.connectionCount() <= 2,
        value: null,
        seen: proxy.connectionCount(),
      }))
    }))
})

suite('broken connection', () => {
  test('A connection is replaced after a reset and after PostgreSQL ended its session', () =>
    behindProxy({ size: 3 }, async (pool, proxy) => {
      const recovers = () =>
        waitFor('the pool answers again', async () => {
          const { lost } = await settleAll(repeat(5, () => pool.one(one)))
          return { done: lost.length === 0, value: null, seen: lost.map(String) }
        })
      await recovers()
      proxy.resetConnections()
      await recovers()
      await db.raw(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
      )
      await recovers()
    }))

  test('A session that lost its prepared statements, as behind a pooler that hides itself, is replaced', async () => {
    const pool = await openPool(db.url, { size: 1 })
    try {
      assert.equal(await pool.oneFirst(one), 1)
      await pool.query(sql.unsafe`deallocate all`)
      assert.equal(classifyStoreError(await pool.one(one).catch((error) => error)), 'unreachable')
      for (const _ of [1, 2]) {
        assert.equal(await pool.oneFirst(one), 1)
        await pool.query(sql.unsafe`deallocate all`)
      }
    } finally {
      await pool.end()
    }
  })

  test('A connection to a read-only database is replaced: a new one may reach the new primary', async () => {
    const [{ name }] = await db.raw('select current_database() as name')
    await db.raw(`alter database ${name} set default_transaction_read_only = on`)
    const pool = await openPool(db.url, { size: 1 })
    try {
      const update = sql.unsafe`update deployments set links = links`
      const error = await pool.query(update).catch((reason) => reason)
      assert.deepEqual([classifyStoreError(error), knownNotCommitted(error)], ['read_only', true])
      await withDatabase(db.url, async (client) => {
        await client.query('set default_transaction_read_only = off')
        await client.query(`alter database ${name} reset default_transaction_read_only`)
      })
      await pool.query(update)
    } finally {
      await pool.end()
    }
  })
})

suite('start', { concurrency: true }, () => {
  test('The start waits for PostgreSQL and reports each retry', async () => {
    const port = await freePort()
    const url = new URL(db.url)
    url.port = String(port)
    const messages: string[] = []
    const opening = openPool(url.href, {
      size: 1,
      startupTimeoutMs: 15_000,
      onWait: (message) => messages.push(message),
    })
    await waitFor('the start waits', async () => ({ done: messages.length > 0, value: null }))
    const late = createServer((client) => {
      const upstream = connect({ host: new URL(db.url).hostname, port: Number(new URL(db.url).port) })
      client.pipe(upstream).pipe(client)
      for (const socket of [client, upstream]) socket.on('error', () => {})
    })
    late.listen(port, '127.0.0.1')
    const pool = await opening
    assert.equal(await pool.oneFirst(one), 1)
    await pool.end()
    late.close()
  })

  test('The start fails after its timeout with the error of the last attempt', async () => {
    const { ms, error } = await timed(async () => {
      await openPool(`postgres://postgres@127.0.0.1:${await freePort()}/x`, {
        size: 1,
        startupTimeoutMs: 600,
      })
    })
    assert.ok(isDatabaseUnavailable(error), String(error))
    assert.ok(ms >= 600 && ms < 5000, `${ms} ms`)
  })

  test('The start fails in time when PostgreSQL does not answer', async () => {
    const proxy = await startTcpProxy(db.url)
    proxy.freeze()
    const { ms, error } = await timed(() => openPool(proxy.url, { size: 1 }))
    assert.ok(isDatabaseUnavailable(error), String(error))
    assert.ok(ms < 8000, `${ms} ms`)
    await proxy.close()
  })
})
