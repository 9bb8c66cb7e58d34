/** How db/errors.ts classifies real errors of PostgreSQL and the network. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { BackendTerminatedError, sql } from 'slonik'
import {
  classifyStoreError,
  describeOrdinaryLoss,
  isDatabaseUnavailable,
  isStaleWrite,
  isUniqueViolation,
  knownNotCommitted,
  PoolTimeout,
  QueryTimeout,
  StaleLease,
} from '../../db/errors.ts'
import { openPool } from '../../db/pool.ts'
import { finish } from '../../db/queries/action-lifecycle.ts'
import { createCommandConnection } from '../../db/redis/connections.ts'
import { ApiError } from '../../domain/errors.ts'
import { freePort } from '../../lib/node/ports.ts'
import { startTcpProxy } from '../helpers/tcp-proxy.ts'
import { actionRow, newName, runAction, scriptResult, useTestDatabase } from './fixtures.ts'

const db = useTestDatabase(2)
const rejection = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => assert.fail('it did not fail'),
    (error) => error,
  )

suite('unavailable database', () => {
  test('A refused connection and an unknown host are unavailable', async () => {
    for (const url of [`postgres://u@127.0.0.1:${await freePort()}/x`, 'postgres://u@nowhere.invalid/x'])
      assert.ok(isDatabaseUnavailable(await rejection(openPool(url, { size: 1 }))), url)
  })

  test('A session that PostgreSQL terminates during a query is unavailable', async () => {
    const query = db.pool.query(sql.unsafe`select pg_terminate_backend(pg_backend_pid()), pg_sleep(5)`)
    assert.ok(isDatabaseUnavailable(await rejection(query)))
  })

  test('Wrong SQL, a wrong value, a constraint violation and an API error are not unavailable', async () => {
    const wrong = [
      sql.unsafe`selec`,
      sql.unsafe`select * from nothing`,
      sql.unsafe`select 1 / 0`,
      sql.unsafe`select ${'a\0b'}`,
      sql.unsafe`insert into deployments (name) values ('x')`,
    ]
    for (const query of wrong)
      assert.equal(isDatabaseUnavailable(await rejection(db.pool.query(query))), false, query.sql)
    for (const other of [new ApiError('busy', 'x'), new TypeError('x'), null, undefined, 'text', 7, {}])
      assert.equal(isDatabaseUnavailable(other), false)
  })

  test('A timeout and a full disk have their own classes', async () => {
    const quick = await openPool(db.url, { size: 1, queryTimeoutMs: 100 })
    assert.equal(classifyStoreError(await rejection(quick.query(sql.unsafe`select pg_sleep(5)`))), 'timeout')
    assert.equal(quick.isDiskFull(), false)
    const full = sql.unsafe`do $$ begin raise exception 'could not extend file' using errcode = '53100'; end $$`
    assert.equal(classifyStoreError(await rejection(quick.query(full))), 'disk_full')
    assert.equal(quick.isDiskFull(), true, 'the pool reports the full disk')
    await quick.end()
    assert.equal(classifyStoreError(Object.assign(new Error('x'), { code: 'ECONNREFUSED' })), 'unreachable')
    assert.equal(classifyStoreError(new Error('x')), null)
  })

  test('Causes and members of aggregates are classified, and a circular chain ends', () => {
    const refused = Object.assign(new Error('x'), { code: 'ECONNREFUSED' })
    assert.ok(isDatabaseUnavailable(new Error('outer', { cause: refused })))
    assert.ok(isDatabaseUnavailable(new AggregateError([new Error('other'), refused])))
    const loop: Error & { cause?: unknown } = new Error('loop')
    loop.cause = loop
    assert.equal(isDatabaseUnavailable(loop), false)
  })
})

suite('known not committed', () => {
  test('A query that was never sent or that PostgreSQL rejected is known not committed', async () => {
    const proxy = await startTcpProxy(db.url)
    const pool = await openPool(proxy.url, { size: 1, queryTimeoutMs: 100 })
    assert.ok(knownNotCommitted(await rejection(pool.query(sql.unsafe`select pg_sleep(5)`))))
    assert.ok(knownNotCommitted(new PoolTimeout('x')))
    const full = sql.unsafe`do $$ begin raise exception 'could not extend file' using errcode = '53100'; end $$`
    assert.ok(knownNotCommitted(await rejection(pool.query(full))))
    await proxy.close()
    await rejection(pool.query(sql.unsafe`select 'on the open connection'`))
    assert.ok(knownNotCommitted(await rejection(pool.query(sql.unsafe`select 'on a new connection'`))))
    await pool.end()
  })

  test('A connection that broke during a query leaves the outcome unknown', async () => {
    const ended = db.pool.query(sql.unsafe`select pg_terminate_backend(pg_backend_pid()), pg_sleep(5)`)
    assert.equal(knownNotCommitted(await rejection(ended)), false)
    const unknownOutcome = new BackendTerminatedError(new QueryTimeout('x'))
    assert.equal(knownNotCommitted(unknownOutcome), false)
    assert.equal(knownNotCommitted(Object.assign(new Error('x'), { code: 'ECONNRESET' })), false)
  })
})

suite('stale write', () => {
  test('OC001 of the schema and StaleLease are stale writes', async () => {
    const claimed = await runAction(db, 'create', newName())
    assert.ok(isStaleWrite(await rejection(finish(db.pool, claimed, scriptResult(0)))))
    const late = db.pool.query(sql.unsafe`update actions set error = 'x' where id = ${claimed.actionId}`)
    const error = await rejection(late)
    assert.ok(isStaleWrite(error))
    assert.equal(isDatabaseUnavailable(error), false)
    assert.equal((await actionRow(db, claimed.actionId)).error, null)
    assert.ok(isStaleWrite(new StaleLease(1, 2)))
    assert.match(new StaleLease(1, 2).message, /action 1 .*fencing token 2/)
  })

  test('Output of a deleted action is a stale write', async () => {
    const claimed = await runAction(db, 'create', newName())
    await db.raw('delete from actions where id = $1', [claimed.actionId])
    const error = await rejection(
      db.pool.query(sql.unsafe`
        insert into action_output (action_id, seq, stream, text, fencing_token) values (${claimed.actionId}, 1, 'stdout', 'x', 1)`),
    )
    assert.ok(isStaleWrite(error))
    assert.equal(isDatabaseUnavailable(error), false)
  })

  test('Other errors are not stale writes', async () => {
    for (const other of [new Error('OC001'), null, new ApiError('busy', 'x')])
      assert.equal(isStaleWrite(other), false)
    assert.equal(isStaleWrite(await rejection(db.pool.query(sql.unsafe`select 1 / 0`))), false)
    assert.equal(isUniqueViolation(new Error('duplicate key')), false)
  })
})

suite('ordinary losses', () => {
  test('A store that is away, a slow one and a lost action are described for a warning', async () => {
    const redis = createCommandConnection(`redis://127.0.0.1:${await freePort()}`, () => {})
    const unreachableRedis = await rejection(redis.get('x'))
    redis.disconnect()
    const closedRedis = await rejection(redis.get('x'))
    const pool = await openPool(db.url, { size: 1 })
    await pool.end()
    const losses: [unknown, RegExp][] = [
      [new StaleLease(1, 2), /^the action has ended, was deleted or belongs to another runner$/],
      [unreachableRedis, /^Redis is unreachable$/],
      [closedRedis, /^Redis is unreachable$/],
      [await rejection(pool.query(sql.unsafe`select 1`)), /^PostgreSQL is unreachable/],
      [new Error('outer', { cause: new QueryTimeout('slow') }), /^PostgreSQL takes too long/],
    ]
    for (const [error, description] of losses) assert.match(describeOrdinaryLoss(error) ?? '', description)
  })

  test('A fault of the program is no ordinary loss', async () => {
    const faults = [
      await rejection(db.pool.query(sql.unsafe`select * from nothing`)),
      new TypeError('x is not a function'),
      new ApiError('busy', 'x'),
      null,
    ]
    for (const error of faults) assert.equal(describeOrdinaryLoss(error), null)
  })
})
