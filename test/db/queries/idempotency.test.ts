/** Requests with the same Idempotency-Key act once: concurrent, repeated, failed and different ones. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { requestCancel } from '../../../db/queries/cancel-action.ts'
import { deleteDeployment } from '../../../db/queries/delete-deployment.ts'
import {
  claimIdempotencyKey,
  deleteOldKeys,
  findIdempotencyKey,
  type IdempotencyKey,
} from '../../../db/queries/idempotency.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { withDatabase } from '../../helpers/with-database.ts'
import {
  enqueue,
  insertDeployment,
  isRefusal,
  newName,
  repeat,
  runAction,
  settleAll,
  statusOf,
  useTestDatabase,
} from '../fixtures.ts'

const db = useTestDatabase(12)
const newKey = (fingerprint = 'f'): IdempotencyKey => ({ key: `key-${newName()}`, fingerprint })

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
    assert.deepEqual(await findIdempotencyKey(db.pool, key), { actionId: first.actionId })
    assert.deepEqual(await enqueue(db, 'update', name, { key }), { actionId: first.actionId, change: null })
    await requestCancel(db.pool, first.actionId, 'carl')
    await deleteDeployment(db.pool, name, undefined)
    assert.deepEqual(await enqueue(db, 'update', name, { key }), { actionId: first.actionId, change: null })
    assert.equal(await findIdempotencyKey(db.pool, newKey()), null)
  })

  test('The key of a refused request is free again', async () => {
    const [key, name] = [newKey(), await insertDeployment(db, 'Archived')]
    await assert.rejects(enqueue(db, 'update', name, { key }), isRefusal('invalid_transition'))
    assert.equal(await findIdempotencyKey(db.pool, key), null)
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
    await assert.rejects(findIdempotencyKey(db.pool, other), isRefusal('idempotency_key_reused'))
  })

  test('A request waits for a concurrent one with the same key, and acts when that is rolled back', async () => {
    const [key, name] = [newKey(), newName()]
    await withDatabase(db.url, async (first) => {
      await first.query('begin')
      await first.query(`insert into idempotency_keys (key, fingerprint) values ($1, 'f')`, [key.key])
      const second = enqueue(db, 'create', name, { key })
      second.catch(() => {})
      await waitFor('the second request waits', async () => {
        const rows = await db.raw(
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        )
        return { done: rows.length > 0, value: null }
      })
      assert.equal(await statusOf(db, name), 'deleted')
      await first.query('rollback')
      assert.ok((await second).change)
    })
  })

  test('A delete with a key happens once, and its repetition succeeds', async () => {
    const [key, name] = [newKey(), await insertDeployment(db)]
    const { won, lost } = await settleAll(repeat(10, () => deleteDeployment(db.pool, name, key)))
    assert.deepEqual(lost, [])
    assert.equal(won.filter((change) => change !== null).length, 1)
    await runAction(db, 'create', name)
    assert.equal(await deleteDeployment(db.pool, name, key), null)
    assert.equal(await statusOf(db, name), 'CreatePending', 'the new deployment of that name stays')
  })

  test('A key of a rolled back transaction is free', async () => {
    const key = newKey()
    const rolledBack = db.pool.transaction(async (transaction) => {
      assert.equal(await claimIdempotencyKey(transaction, key), null)
      throw new Error('rolled back')
    })
    await assert.rejects(rolledBack, /rolled back/)
    assert.equal(await findIdempotencyKey(db.pool, key), null)
  })

  test('A key is deleted after a day', async () => {
    const [old, young] = [newKey(), newKey()]
    await enqueue(db, 'create', newName(), { key: old })
    await enqueue(db, 'create', newName(), { key: young })
    await db.raw(`update idempotency_keys set created_at = now() - interval '25 hours' where key = $1`, [
      old.key,
    ])
    await deleteOldKeys(db.pool, 1)
    assert.equal(await findIdempotencyKey(db.pool, old), null)
    assert.ok(await findIdempotencyKey(db.pool, young))
  })
})
