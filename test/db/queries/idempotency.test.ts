/** Requests with the same Idempotency-Key act once: concurrent, repeated, failed and different ones. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { isLateRequest } from '../../../db/errors.ts'
import { requestCancel } from '../../../db/queries/cancel-action.ts'
import { stopWaiting } from '../../../db/queries/checks.ts'
import { deleteDeployment } from '../../../db/queries/delete-deployment.ts'
import {
  claimIdempotencyKey,
  deleteOldKeys,
  type IdempotencyKey,
  type RequestWindow,
  readDatabaseTime,
  readRequestContext,
  refuseEarlierRequests,
} from '../../../db/queries/idempotency.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { withDatabase } from '../../helpers/with-database.ts'
import {
  actorNamed,
  anyRight,
  enqueue,
  insertDeployment,
  isRefusal,
  newName,
  repeat,
  runAction,
  settleAll,
  startAction,
  statusOf,
  testActor,
  useTestDatabase,
} from '../fixtures.ts'

const db = useTestDatabase(12)
const newKey = (fingerprint = 'f'): IdempotencyKey => ({ key: `key-${newName()}`, fingerprint })

const findAccepted = async (key: IdempotencyKey) => (await readRequestContext(db.pool, key)).accepted

const windowFrom = (arrivedAtMs: number): RequestWindow => ({
  arrivedAtMs,
  notAfterMs: arrivedAtMs + 60_000,
})
const waitForLock = () =>
  waitFor('a request waits for a lock', async () => {
    const rows = await db.raw(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return { done: rows.length > 0, value: null }
  })

suite('Idempotency-Key', () => {
  test('Concurrent requests act once and get the same action; one gets the change event', async () => {
    const [key, name] = [newKey(), newName()]
    const results = await Promise.all(repeat(20, () => enqueue(db, 'create', name, { key })))
    assert.equal(new Set(results.map((one) => one.actionId)).size, 1)
    assert.equal(results.filter((one) => one.change !== null).length, 1)
    assert.ok((results[0]?.actionId ?? 0) > 0)
  })

  test('A key keeps its action, also after the deployment changed or was deleted', async () => {
    const [key, name] = [newKey(), await insertDeployment(db)]
    const first = await enqueue(db, 'update', name, { key })
    assert.deepEqual(await findAccepted(key), { actionId: first.actionId })
    assert.deepEqual(await enqueue(db, 'update', name, { key }), { actionId: first.actionId, change: null })
    await requestCancel(db.pool, first.actionId, actorNamed('carl'), anyRight)
    await deleteDeployment(db.pool, name, testActor, undefined)
    assert.deepEqual(await enqueue(db, 'update', name, { key }), { actionId: first.actionId, change: null })
    assert.equal(await findAccepted(newKey()), null)
  })

  test('The key of a refused request is free again', async () => {
    const [key, name] = [newKey(), await insertDeployment(db, 'Archived')]
    await assert.rejects(enqueue(db, 'update', name, { key }), isRefusal('invalid_transition'))
    assert.equal(await findAccepted(key), null)
    await db.raw(`update deployments set status = 'Running' where name = $1`, [name])
    assert.ok((await enqueue(db, 'update', name, { key })).change)
  })

  test('The key of another request is refused', async () => {
    const key = newKey('one')
    const other = { ...key, fingerprint: 'two' }
    await enqueue(db, 'create', newName(), { key })
    await assert.rejects(
      enqueue(db, 'create', newName(), { key: other }),
      isRefusal('idempotency_key_reused'),
    )
    await assert.rejects(findAccepted(other), isRefusal('idempotency_key_reused'))
  })

  test('A request waits for a concurrent one with the same key, and acts when that is rolled back', async () => {
    const [key, name] = [newKey(), newName()]
    await withDatabase(db.url, async (first) => {
      await first.query('begin')
      await first.query(`insert into idempotency_keys (key, fingerprint) values ($1, 'f')`, [key.key])
      const second = enqueue(db, 'create', name, { key })
      second.catch(() => {})
      await waitForLock()
      assert.equal(await statusOf(db, name), 'deleted')
      await first.query('rollback')
      assert.ok((await second).change)
    })
  })

  test('A delete with a key happens once, and its repetition succeeds', async () => {
    const [key, name] = [newKey(), await insertDeployment(db)]
    const { won, lost } = await settleAll(repeat(10, () => deleteDeployment(db.pool, name, testActor, key)))
    assert.deepEqual(lost, [])
    assert.equal(won.filter((change) => change !== null).length, 1)
    await runAction(db, 'create', name)
    assert.equal(await deleteDeployment(db.pool, name, testActor, key), null)
    assert.equal(await statusOf(db, name), 'CreatePending', 'the new deployment of that name stays')
  })

  test('A refusal holds against every request with the key that came before it, and not against a later one', async () => {
    const [key, name] = [newKey(), await insertDeployment(db)]
    const earlier = windowFrom(await readDatabaseTime(db.pool))
    assert.equal(await refuseEarlierRequests(db.pool, key), null)
    const between = await readDatabaseTime(db.pool)
    assert.equal(await refuseEarlierRequests(db.pool, key), null, 'refused again')
    for (const window of [earlier, windowFrom(between)]) {
      await assert.rejects(
        enqueue(db, 'update', name, { key }, async () => window),
        isLateRequest,
      )
      await assert.rejects(
        deleteDeployment(db.pool, name, testActor, key, async () => window),
        isLateRequest,
      )
    }
    assert.equal(await findAccepted(key), null, 'nothing is stored')
    assert.equal(await statusOf(db, name), 'Running')
    const other = await enqueue(db, 'update', name, { key: newKey() }, async () => earlier)
    assert.ok(other.change, 'another key')
    await requestCancel(db.pool, other.actionId, actorNamed('carl'), anyRight)
    const later = windowFrom(await readDatabaseTime(db.pool))
    assert.ok((await enqueue(db, 'update', name, { key }, async () => later)).change)
  })

  test('A refusal is not given when the request was accepted meanwhile', async () => {
    const [key, name] = [newKey(), newName()]
    await withDatabase(db.url, async (first) => {
      await first.query('begin')
      await first.query(`insert into idempotency_keys (key, fingerprint, action_id) values ($1, 'f', 7)`, [
        key.key,
      ])
      const refused = refuseEarlierRequests(db.pool, key)
      await waitForLock()
      await first.query('commit')
      assert.deepEqual(await refused, { actionId: 7 })
    })
    await assert.rejects(
      refuseEarlierRequests(db.pool, { ...key, fingerprint: 'other' }),
      isRefusal('idempotency_key_reused'),
    )
    assert.ok((await enqueue(db, 'create', name, { key: newKey() })).change)
  })

  test('A request that waits for a refusal of its key finds it', async () => {
    const [key, name] = [newKey(), await insertDeployment(db)]
    const window = windowFrom(await readDatabaseTime(db.pool))
    await withDatabase(db.url, async (first) => {
      await first.query('begin')
      await first.query('select refuse_earlier_requests($1)', [key.key])
      const late = enqueue(db, 'update', name, { key }, async () => window)
      late.catch(() => {})
      await waitForLock()
      await first.query('commit')
      await assert.rejects(late, isLateRequest)
    })
  })

  test('No request acts after its time, however long it waits for a lock', async () => {
    const name = await insertDeployment(db)
    const waiting = await insertDeployment(db, 'UpdatePending')
    const { actionId } = await startAction(db, 'update', await insertDeployment(db))
    let nowMs = 0
    const begin = async () => ({ arrivedAtMs: nowMs, notAfterMs: nowMs + 500 })
    const requests = {
      update: () => enqueue(db, 'update', name, {}, begin),
      create: () => enqueue(db, 'create', newName(), {}, begin),
      delete: () => deleteDeployment(db.pool, name, testActor, undefined, begin),
      cancel: () => requestCancel(db.pool, actionId, actorNamed('carl'), anyRight, begin),
      stopWaiting: () => stopWaiting(db.pool, waiting, actorNamed('carl'), anyRight, undefined, begin),
    }
    for (const [kind, request] of Object.entries(requests)) {
      await withDatabase(db.url, async (other) => {
        await other.query('begin')
        await other.query('lock table deployments, actions in exclusive mode')
        nowMs = await readDatabaseTime(db.pool)
        const late = request()
        late.catch(() => {})
        await waitForLock()
        await other.query('select pg_sleep(0.6)')
        await other.query('rollback')
        await assert.rejects(late, isLateRequest, kind)
      })
    }
    assert.deepEqual([await statusOf(db, name), await statusOf(db, waiting)], ['Running', 'UpdatePending'])
    const [action] = await db.raw('select state, cancel_requested_at from actions where id = $1', [actionId])
    assert.deepEqual(action, { state: 'running', cancel_requested_at: null })
  })

  test('A key of a rolled back transaction is free', async () => {
    const key = newKey()
    const rolledBack = db.pool.transaction(async (transaction) => {
      assert.equal(await claimIdempotencyKey(transaction, key), null)
      throw new Error('rolled back')
    })
    await assert.rejects(rolledBack, /rolled back/)
    assert.equal(await findAccepted(key), null)
  })

  test('A key is deleted after a day', async () => {
    const [old, young] = [newKey(), newKey()]
    await enqueue(db, 'create', newName(), { key: old })
    await enqueue(db, 'create', newName(), { key: young })
    for (const key of [old, young])
      await refuseEarlierRequests(db.pool, { ...key, key: `refused-${key.key}` })
    await db.raw(`update idempotency_keys set created_at = now() - interval '25 hours' where key = $1`, [
      old.key,
    ])
    await db.raw(`update refused_keys set refused_at = now() - interval '25 hours' where key = $1`, [
      `refused-${old.key}`,
    ])
    await deleteOldKeys(db.pool, 1)
    const refused = await db.raw(`select key from refused_keys where key like 'refused-%'`)
    assert.deepEqual(refused, [{ key: `refused-${young.key}` }])
    assert.equal(await findAccepted(old), null)
    assert.ok(await findAccepted(young))
  })
})
