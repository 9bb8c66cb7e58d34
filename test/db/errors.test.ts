/** What errors mean, shown with real ones. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { BackendTerminatedError, sql } from 'slonik'
import {
  changedNothing,
  isAway,
  isStaleWrite,
  isUniqueViolation,
  NoAnswerInTime,
  NoConnection,
  StaleLease,
  troubleOf,
} from '../../db/errors.ts'
import { openPool } from '../../db/pool.ts'
import { finish } from '../../db/transition.ts'
import { Refusal } from '../../domain/errors.ts'
import { freePort } from '../helpers/free-port.ts'
import { openProxy } from '../helpers/proxy.ts'
import { actionRow, ended, ground, newName, perform } from './ground.ts'

const here = ground(2)
const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => assert.fail('it did not fail'),
    (error) => error,
  )

suite('away', () => {
  test('is a PostgreSQL that refuses, has another name, or is not to be found', async () => {
    for (const url of [`postgres://u@127.0.0.1:${await freePort()}/x`, 'postgres://u@nowhere.invalid/x'])
      assert.ok(isAway(await failure(openPool(url, { size: 1 }))), url)
  })

  test('is one that ends our session in the middle of a query', async () => {
    const query = here.pool.query(sql.unsafe`select pg_terminate_backend(pg_backend_pid()), pg_sleep(5)`)
    assert.ok(isAway(await failure(query)))
  })

  test('is not a mistake of ours: wrong SQL, a wrong value, a broken rule, a refusal', async () => {
    const wrong = [
      sql.unsafe`selec`,
      sql.unsafe`select * from nothing`,
      sql.unsafe`select 1 / 0`,
      sql.unsafe`select ${'a\0b'}`,
      sql.unsafe`insert into deployments (name) values ('x')`,
    ]
    for (const query of wrong) assert.equal(isAway(await failure(here.pool.query(query))), false, query.sql)
    for (const other of [new Refusal('busy', 'x'), new TypeError('x'), null, undefined, 'text', 7, {}])
      assert.equal(isAway(other), false)
  })

  test('is told apart from one that is too slow, and from one whose disk is full', async () => {
    const quick = await openPool(here.url, { size: 1, queryTimeoutMs: 100 })
    assert.equal(troubleOf(await failure(quick.query(sql.unsafe`select pg_sleep(5)`))), 'slow')
    assert.equal(quick.full(), false)
    const full = sql.unsafe`do $$ begin raise exception 'could not extend file' using errcode = '53100'; end $$`
    assert.equal(troubleOf(await failure(quick.query(full))), 'full')
    assert.equal(quick.full(), true, 'and the pool knows')
    await quick.end()
    assert.equal(troubleOf(Object.assign(new Error('x'), { code: 'ECONNREFUSED' })), 'away')
    assert.equal(troubleOf(new Error('x')), null)
  })

  test('is found in causes and in members of aggregates, and endless chains are no trouble', () => {
    const refused = Object.assign(new Error('x'), { code: 'ECONNREFUSED' })
    assert.ok(isAway(new Error('outer', { cause: refused })))
    assert.ok(isAway(new AggregateError([new Error('other'), refused])))
    const loop: Error & { cause?: unknown } = new Error('loop')
    loop.cause = loop
    assert.equal(isAway(loop), false)
  })
})

suite('a database in trouble has changed nothing', () => {
  test('when it was not reached, or said itself that it failed', async () => {
    const proxy = await openProxy(here.url)
    const pool = await openPool(proxy.url, { size: 1, queryTimeoutMs: 100 })
    assert.ok(changedNothing(await failure(pool.query(sql.unsafe`select pg_sleep(5)`))))
    assert.ok(changedNothing(new NoConnection('x')))
    const full = sql.unsafe`do $$ begin raise exception 'could not extend file' using errcode = '53100'; end $$`
    assert.ok(changedNothing(await failure(pool.query(full))))
    await proxy.close()
    await failure(pool.query(sql.unsafe`select 'by the connection that was there'`))
    assert.ok(changedNothing(await failure(pool.query(sql.unsafe`select 'by a new one'`))))
    await pool.end()
  })

  test('but not when it ended in the middle, without a word of how far it came', async () => {
    const ended = here.pool.query(sql.unsafe`select pg_terminate_backend(pg_backend_pid()), pg_sleep(5)`)
    assert.equal(changedNothing(await failure(ended)), false)
    const silent = new BackendTerminatedError(new NoAnswerInTime('x'))
    assert.equal(changedNothing(silent), false)
    assert.equal(changedNothing(Object.assign(new Error('x'), { code: 'ECONNRESET' })), false)
  })
})

suite('a stale write', () => {
  test('is what the schema refuses with OC001, and what we see ourselves', async () => {
    const held = await perform(here, 'create', newName())
    assert.ok(isStaleWrite(await failure(finish(here.pool, held, ended(0)))))
    const late = here.pool.query(sql.unsafe`update actions set error = 'x' where id = ${held.actionId}`)
    const error = await failure(late)
    assert.ok(isStaleWrite(error))
    assert.equal(isAway(error), false)
    assert.equal((await actionRow(here, held.actionId)).error, null)
    assert.ok(isStaleWrite(new StaleLease(1, 2)))
    assert.match(new StaleLease(1, 2).message, /action 1 .*epoch 2/)
  })

  test('is nothing else', async () => {
    for (const other of [new Error('OC001'), null, new Refusal('busy', 'x')])
      assert.equal(isStaleWrite(other), false)
    assert.equal(isStaleWrite(await failure(here.pool.query(sql.unsafe`select 1 / 0`))), false)
    assert.equal(isUniqueViolation(new Error('duplicate key')), false)
  })
})
