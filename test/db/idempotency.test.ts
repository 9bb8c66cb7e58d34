/** The same key acts once: asked at once, again, after a failure, for another request. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { deleteDeployment, requestCancel } from '../../db/cancel.ts'
import { claimKey, forgetOldKeys, type IdempotencyKey, recallKey } from '../../db/idempotency.ts'
import { withDatabase } from '../helpers/database.ts'
import { eventually } from '../helpers/eventually.ts'
import { ask, deployment, ground, newName, outcomes, perform, refusal, statusOf, times } from './ground.ts'

const here = ground(12)
const newKey = (fingerprint = 'f'): IdempotencyKey => ({ key: `key-${newName()}`, fingerprint })

suite('an Idempotency-Key', () => {
  test('asked many times at once acts once; everybody gets the same action, one the change', async () => {
    const [key, name] = [newKey(), newName()]
    const begun = await Promise.all(times(20, () => ask(here, 'create', name, { key })))
    assert.equal(new Set(begun.map((one) => one.actionId)).size, 1)
    assert.equal(begun.filter((one) => one.change !== null).length, 1)
    assert.ok((begun[0]?.actionId ?? 0) > 0)
  })

  test('remembers its action, also when the deployment has moved on or is gone', async () => {
    const [key, name] = [newKey(), await deployment(here)]
    const first = await ask(here, 'update', name, { key })
    assert.deepEqual(await recallKey(here.pool, key), { actionId: first.actionId })
    assert.deepEqual(await ask(here, 'update', name, { key }), { actionId: first.actionId, change: null })
    await requestCancel(here.pool, first.actionId, 'carl')
    await deleteDeployment(here.pool, name, undefined)
    assert.deepEqual(await ask(here, 'update', name, { key }), { actionId: first.actionId, change: null })
    assert.equal(await recallKey(here.pool, newKey()), null)
  })

  test('of a request that was refused is free again', async () => {
    const [key, name] = [newKey(), await deployment(here, 'Archived')]
    await assert.rejects(ask(here, 'update', name, { key }), refusal('impossible_move'))
    assert.equal(await recallKey(here.pool, key), null)
    await here.raw(`update deployments set status = 'Running' where name = $1`, [name])
    assert.ok((await ask(here, 'update', name, { key })).change)
  })

  test('for another request is refused, before and after', async () => {
    const key = newKey('one')
    const other = { ...key, fingerprint: 'two' }
    await ask(here, 'create', newName(), { key })
    await assert.rejects(ask(here, 'create', newName(), { key: other }), refusal('key_reused'))
    await assert.rejects(recallKey(here.pool, other), refusal('key_reused'))
  })

  test('waits for the first that asks, and acts when that one is rolled back', async () => {
    const [key, name] = [newKey(), newName()]
    await withDatabase(here.url, async (first) => {
      await first.query('begin')
      await first.query(`insert into idempotency_keys (key, fingerprint) values ($1, 'f')`, [key.key])
      const second = ask(here, 'create', name, { key })
      second.catch(() => {})
      await eventually('the second waits', async () => {
        const rows = await here.raw(
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        )
        return { done: rows.length > 0, value: null }
      })
      assert.equal(await statusOf(here, name), 'gone')
      await first.query('rollback')
      assert.ok((await second).change)
    })
  })

  test('of a delete forgets once, and says so again', async () => {
    const [key, name] = [newKey(), await deployment(here)]
    const { won, lost } = await outcomes(times(10, () => deleteDeployment(here.pool, name, key)))
    assert.deepEqual(lost, [])
    assert.equal(won.filter((change) => change !== null).length, 1)
    await perform(here, 'create', name)
    assert.equal(await deleteDeployment(here.pool, name, key), null)
    assert.equal(await statusOf(here, name), 'CreatePending', 'the new one of that name stays')
  })

  test('taken in a transaction that is undone was never taken', async () => {
    const key = newKey()
    const undone = here.pool.transaction(async (transaction) => {
      assert.equal(await claimKey(transaction, key), null)
      throw new Error('never mind')
    })
    await assert.rejects(undone, /never mind/)
    assert.equal(await recallKey(here.pool, key), null)
  })

  test('is forgotten after a day', async () => {
    const [old, young] = [newKey(), newKey()]
    await ask(here, 'create', newName(), { key: old })
    await ask(here, 'create', newName(), { key: young })
    await here.raw(`update idempotency_keys set created_at = now() - interval '25 hours' where key = $1`, [
      old.key,
    ])
    await forgetOldKeys(here.pool, 1)
    assert.equal(await recallKey(here.pool, old), null)
    assert.ok(await recallKey(here.pool, young))
  })
})
