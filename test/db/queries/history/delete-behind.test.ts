/** Deleting behind: what a delete leaves to it, its cost, and several runners at it. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { openPool } from '../../../../db/pool.ts'
import { finish } from '../../../../db/queries/action-lifecycle.ts'
import { getAction } from '../../../../db/queries/actions.ts'
import { deleteDeployment } from '../../../../db/queries/delete-deployment.ts'
import {
  deleteActionsOfDeletedDeployments,
  deleteRemovedChunks,
} from '../../../../db/queries/history/delete-behind.ts'
import { appendOutput, getOutput } from '../../../../db/queries/output.ts'
import { withDatabase } from '../../../helpers/with-database.ts'
import {
  enqueue,
  getWholeOutput,
  isRefusal,
  repeat,
  scriptResult,
  startAction,
  testActor,
  useTestDatabase,
} from '../../fixtures.ts'
import { deleteBehind, insertHistory } from './history-fixtures.ts'

const db = useTestDatabase(10)

const remove = (name: string) => deleteDeployment(db.pool, name, testActor, undefined)
const count = async (table: string) =>
  (await db.raw(`select count(*)::int as count from ${table}`))[0].count as number

suite('delete behind', () => {
  test('A delete touches none of its chunks, and nobody reads them any more', async () => {
    const { name, actionIds } = await insertHistory(db, [{ chunks: 3000 }, { chunks: 2 }])
    const [actionId = 0] = actionIds
    await remove(name)
    assert.equal(await count('action_output'), 3002, 'the chunks are deleted later')
    for (const read of [
      () => getAction(db.pool, actionId),
      () => getOutput(db.pool, actionId, 0, 10),
      () => getWholeOutput(db.pool, actionId),
    ])
      await assert.rejects(read(), isRefusal('no_such_action'))
    const { change } = await enqueue(db, 'create', name)
    assert.ok(change, 'the name is free')
    await deleteBehind(db)
    for (const table of ['action_output', 'stored_outputs', 'deleted_deployments'])
      assert.equal(await count(table), 0, table)
    assert.equal(await count('actions'), 1, 'the new create')
  })

  test('A finished cleanup touches no chunk', async () => {
    const { name } = await insertHistory(db, [{ chunks: 2500 }])
    const cleanup = await startAction(db, 'cleanup', name)
    await appendOutput(db.pool, cleanup, [{ seq: 1, stream: 'stdout', text: 'x' }])
    await finish(db.pool, cleanup, scriptResult(0))
    assert.equal(await count('action_output'), 2501)
    await deleteBehind(db)
    assert.equal(await count('action_output'), 0)
  })

  test('Each chunk is read a few times, also while an old snapshot keeps the deleted ones', async () => {
    const entriesPerChunk = async (chunks: number) => {
      const { name } = await insertHistory(db, [{ chunks }])
      return withDatabase(db.url, async (other) => {
        await other.query('begin isolation level repeatable read')
        await other.query('select from deployments limit 1')
        const pool = await openPool(db.url, { size: 1 })
        const before = await indexEntriesRead()
        await deleteDeployment(pool, name, testActor, undefined)
        await deleteBehind({ pool })
        // A session publishes its counters when it ends.
        await pool.end()
        return ((await indexEntriesRead()) - before) / chunks
      })
    }
    await entriesPerChunk(1000)
    const [few, many] = [await entriesPerChunk(5000), await entriesPerChunk(40_000)]
    assert.equal(await count('action_output'), 0)
    assert.ok(many < 4, `${few} index entries read for each of 5,000 chunks, ${many} of 40,000`)
  })

  test('Many small outputs are deleted together', async () => {
    const { name } = await insertHistory(
      db,
      repeat(150, () => ({ chunks: 2 })),
    )
    await remove(name)
    let batches = 0
    while (await deleteActionsOfDeletedDeployments(db.pool, 60)) batches += 1
    assert.equal(batches, 3)
    for (let after: number | null = 0; after !== null; batches += 1)
      after = await deleteRemovedChunks(db.pool, after, 1000)
    assert.equal(batches, 6)
    assert.equal(await count('stored_outputs'), 0)
  })

  test('Each transaction deletes a limited number of chunks', async () => {
    const { name } = await insertHistory(db, [{ chunks: 2500 }, { chunks: 700 }])
    await remove(name)
    while (await deleteActionsOfDeletedDeployments(db.pool));
    const left: number[] = []
    for (let after: number | null = 0; after !== null; left.push(await count('action_output')))
      after = await deleteRemovedChunks(db.pool, after, 1000)
    // The first batch finds the create, which has no output.
    assert.deepEqual(left, [3200, 2200, 1200, 700, 0, 0])
  })

  test('Several runners share the work, and one that fails leaves it to the others', async () => {
    const names = await Promise.all(
      repeat(6, async () => (await insertHistory(db, [{ chunks: 400 }, { chunks: 0 }])).name),
    )
    await Promise.all(names.map(remove))
    // A runner that is lost in the middle of a batch.
    await withDatabase(db.url, async (lost) => {
      await lost.query('begin')
      await lost.query('select from deleted_deployments for update')
      await lost.query('delete from action_output')
    })
    await Promise.all(repeat(4, () => deleteBehind(db, 100)))
    // Exclusive steps that found another runner at it.
    await deleteBehind(db)
    for (const table of ['actions', 'action_output', 'stored_outputs', 'deleted_deployments'])
      assert.equal(await count(`${table} ${table === 'actions' ? `where kind = 'update'` : ''}`), 0, table)
  })

  test('The schema notes a delete by any writer', async () => {
    const { name, actionIds } = await insertHistory(db, [{ chunks: 3 }, { chunks: 4 }])
    await db.raw('delete from actions where id = $1', [actionIds[0]])
    await deleteBehind(db)
    assert.equal(await count('action_output'), 4)
    await db.raw('delete from deployments where name = $1', [name])
    await deleteBehind(db)
    assert.equal(await count('action_output'), 0)
  })

  test('The schema rejects an action without a deployment, and a delete during an action', async () => {
    const { name, actionIds } = await insertHistory(db, [{ chunks: 1 }])
    const insert = `insert into actions (deployment_id, kind, state, app_overrides, deployment_overrides, actor, source)
      values ($1, 'update', 'queued', '[]', '[]', 'x', 'api')`
    await assert.rejects(db.raw(insert, [999_999]), /there is no deployment 999999/)
    await enqueue(db, 'cleanup', name)
    await assert.rejects(db.raw('delete from deployments where name = $1', [name]), { code: 'OC001' })
    assert.equal((await getOutput(db.pool, actionIds[0] ?? 0, 0, 10)).chunks.length, 1)
  })

  test('A delete that waits for a new action sees it, and the other way round', async () => {
    const insert = `insert into actions (deployment_id, kind, state, app_overrides, deployment_overrides, actor, source)
      select id, 'update', 'queued', '[]', '[]', 'x', 'api' from deployments where name = $1`
    const erase = 'delete from deployments where name = $1'
    for (const [first, second] of [
      [insert, erase],
      [erase, insert],
    ] as const) {
      const { name } = await insertHistory(db, [])
      await withDatabase(db.url, async (other) => {
        await other.query('begin')
        await other.query(first, [name])
        const waiting = db.raw(second, [name])
        waiting.catch(() => {})
        await other.query('commit')
        if (second === erase) await assert.rejects(waiting, { code: 'OC001' })
        else await waiting.catch((error) => assert.equal(error.code, '23503'))
      })
      const [{ orphans }] = await db.raw(`select count(*)::int as orphans from actions a
        where state = 'queued' and not exists (select from deployments d where d.id = a.deployment_id)`)
      assert.equal(orphans, 0)
    }
  })

  test('Output for an action that is gone is rejected as late', async () => {
    const insert = `insert into action_output (action_id, fencing_token, seq, stream, text) values (999999, 1, 1, 'stdout', 'x')`
    await assert.rejects(db.raw(insert), { code: 'OC001' })
  })
})

async function indexEntriesRead(): Promise<number> {
  const [row] = await db.raw(`select sum(idx_tup_read)::int as entries
    from pg_stat_user_indexes where relname in ('action_output', 'stored_outputs')`)
  return row.entries
}
