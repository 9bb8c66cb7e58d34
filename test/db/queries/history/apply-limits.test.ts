/** The limits of the history in the database: what is deleted, what readers see, and what is never touched. */
import assert from 'node:assert/strict'
import { beforeEach, suite, test } from 'node:test'
import { getAction, readActions } from '../../../../db/queries/actions.ts'
import { applyDeploymentLimits, applyTotalLimit } from '../../../../db/queries/history/apply-limits.ts'
import { appendOutput, getOutput } from '../../../../db/queries/output.ts'
import { readStorage } from '../../../../db/queries/stats.ts'
import { outputPage } from '../../../../domain/schemas.ts'
import { collect, getWholeOutput, repeat, settleAll, startAction, useTestDatabase } from '../../fixtures.ts'
import { deleteBehind, insertHistory, noLimits, sweep } from './history-fixtures.ts'

const db = useTestDatabase(10)
beforeEach(async () => {
  await db.raw(
    'truncate deployments, deployment_checks, actions, action_output, stored_outputs, deleted_deployments, pauses',
  )
  await db.raw('update output_totals set bytes = 0, chunks = 0')
  await db.raw(`update history_sweeps set place = '{}', next_at = now() where name <> 'count'`)
})

const dayMs = 86_400_000
const actionsOf = async (name: string) =>
  (await collect(readActions(db.pool, name, 500))).map((action) => action.action_id).reverse()
const chunksOf = async (actionId: number) => (await getOutput(db.pool, actionId, 0, 1000)).chunks.length
const remaining = (actionIds: readonly number[]) => Promise.all(actionIds.map(chunksOf))

suite('limits of a deployment', () => {
  test('Actions older than the limit are deleted with their output, but never the last one', async () => {
    const { name, actionIds } = await insertHistory(db, [
      { chunks: 2, ageDays: 40 },
      { chunks: 2, ageDays: 35 },
      { chunks: 2, ageDays: 1 },
    ])
    const idle = await insertHistory(db, [
      { chunks: 1, ageDays: 90 },
      { chunks: 1, ageDays: 80 },
    ])
    await sweep(db, { actionAgeMs: 30 * dayMs })
    for (const one of [{ name, actionIds }, idle]) {
      const [, ...left] = await actionsOf(one.name)
      assert.deepEqual(left, one.actionIds.slice(-1), 'besides the create, which is new')
    }
    await deleteBehind(db)
    const [{ left }] = await db.raw('select array_agg(distinct action_id::int) as left from action_output')
    assert.deepEqual(left.sort(), [actionIds[2], idle.actionIds[1]].sort())
  })

  test('While retention is paused nothing is deleted, not even what nobody can read any more', async () => {
    const { name, actionIds } = await insertHistory(db, [
      { chunks: 2, ageDays: 40 },
      { chunks: 2, ageDays: 1 },
    ])
    await sweep(db, { outputAgeMs: 30 * dayMs })
    const actions = await actionsOf(name)
    await db.raw(`update history_sweeps set place = '{}', next_at = now() where name <> 'count'`)
    await db.raw(`insert into pauses (what, paused_by, reason) values ('retention', 'ann', 'backup')`)
    const limits = { ...noLimits, actionsPerDeployment: 1 }
    assert.equal(await applyDeploymentLimits(db.pool, limits), false)
    assert.equal(await applyTotalLimit(db.pool, 1), false)
    await deleteBehind(db)
    assert.deepEqual(await actionsOf(name), actions)
    assert.equal((await db.raw('select from action_output')).length, 4)
    await db.raw(`update pauses set paused_until = now()`)
    await sweep(db, { actionsPerDeployment: 1 })
    await deleteBehind(db)
    assert.deepEqual(await actionsOf(name), actionIds.slice(-1))
    assert.equal((await db.raw('select from action_output')).length, 2)
  })

  test('Of more actions than the limit the oldest are deleted, in batches that end anywhere', async () => {
    const histories = await Promise.all(
      repeat(4, () =>
        insertHistory(
          db,
          repeat(9, () => ({ chunks: 1 })),
        ),
      ),
    )
    await sweep(db, { actionsPerDeployment: 5 }, 7)
    for (const { name, actionIds } of histories)
      assert.deepEqual(await actionsOf(name), actionIds.slice(-5), 'the five newest')
  })

  test('Readers of removed output see when and why it was removed, at once', async () => {
    const { name, actionIds } = await insertHistory(db, [
      { chunks: 3, ageDays: 40 },
      { chunks: 0, ageDays: 40 },
      { chunks: 3, ageDays: 1 },
    ])
    const [old = 0, silent = 0, recent = 0] = actionIds
    await sweep(db, { outputAgeMs: 30 * dayMs })
    const check = async () => {
      const page = await getOutput(db.pool, old, 1, 10)
      assert.deepEqual(outputPage.parse(page), page)
      assert.deepEqual(
        { ...page, output_removed_at: typeof page.output_removed_at },
        {
          chunks: [],
          state: 'succeeded',
          done: true,
          output_removed_at: 'string',
          output_removal_reason: 'The output was removed after 30 days (OUTPUT_RETENTION).',
        },
      )
      const whole = await getWholeOutput(db.pool, old)
      assert.deepEqual([whole.stdout, whole.stderr], ['', ''])
      assert.ok(whole.removedAt)
      const action = await getAction(db.pool, old)
      assert.equal(action.output_removal_reason, page.output_removal_reason)
      for (const kept of await collect(readActions(db.pool, name, 10)))
        if (kept.action_id !== old) assert.equal(kept.output_removed_at, null)
    }
    await check()
    await deleteBehind(db)
    await check()
    assert.deepEqual(await remaining([silent, recent]), [0, 3])
    const [{ left }] = await db.raw('select count(*)::int as left from action_output')
    assert.equal(left, 3)
  })

  test('The oldest output of a deployment that exceeds its size is removed, and the newest never', async () => {
    const one = await insertHistory(db, [{ chunks: 30 }, { chunks: 40 }, { chunks: 50 }])
    const large = await insertHistory(db, [{ chunks: 10 }, { chunks: 200 }])
    await sweep(db, { outputBytesPerDeployment: 100 }, 2)
    assert.deepEqual(await remaining(one.actionIds), [0, 40, 50])
    assert.deepEqual(await remaining(large.actionIds), [0, 200])
  })

  test('An active action keeps its output', async () => {
    const { name } = await insertHistory(db, [{ chunks: 5, ageDays: 40 }])
    const claimed = await startAction(db, 'cleanup', name)
    await appendOutput(db.pool, claimed, [{ seq: 1, stream: 'stdout', text: 'x' }])
    await sweep(db, { actionAgeMs: 1, actionsPerDeployment: 1, outputAgeMs: 1, outputBytesPerDeployment: 1 })
    assert.deepEqual(await actionsOf(name), [claimed.actionId])
    assert.equal(await chunksOf(claimed.actionId), 1)
  })

  test('Runners share a sweep: each action is seen once, and the next sweep waits', async () => {
    await Promise.all(
      repeat(5, () =>
        insertHistory(
          db,
          repeat(10, () => ({ chunks: 0 })),
        ),
      ),
    )
    const limits = { ...noLimits, actionsPerDeployment: 3 }
    const runner = async () => {
      let steps = 0
      while (await applyDeploymentLimits(db.pool, limits, 10)) steps += 1
      return steps
    }
    // A runner that finds another one at it goes on later.
    const rounds = await Promise.all(repeat(3, runner))
    while ((await runner()) > 0);
    const [{ count }] = await db.raw('select count(*)::int as count from actions')
    assert.equal(count, 15)
    assert.ok(rounds.flat().reduce((sum, steps) => sum + steps, 0) <= 6)
    assert.equal(await applyDeploymentLimits(db.pool, limits, 10), false, 'not due')
  })
})

suite('the limit of all output', () => {
  test('The oldest outputs are removed until the rest fits; the last one of a deployment stays', async () => {
    const [a, b] = [await insertHistory(db, [{ chunks: 40 }]), await insertHistory(db, [{ chunks: 30 }])]
    await insertHistory(db, [{ chunks: 20 }, { chunks: 10 }], a.name)
    assert.equal((await readStorage(db.pool)).outputBytes, 100)
    await sweep(db, { outputBytesInTotal: 70 }, 1)
    const left = await remaining([...(await actionsOf(a.name)), ...(await actionsOf(b.name))])
    assert.deepEqual(
      left.filter((chunks) => chunks > 0),
      [20, 10, 30],
    )
    await sweep(db, { outputBytesInTotal: 5 }, 1)
    assert.equal((await readStorage(db.pool)).outputBytes, 40, 'the last outputs of both')
    assert.equal(
      (await getOutput(db.pool, a.actionIds[0] ?? 0, 0, 1)).output_removal_reason,
      'The output was removed because all deployments had more than 70 B (OUTPUT_TOTAL_LIMIT).',
    )
  })

  test('The totals equal the rows, whatever runs at the same time', async () => {
    const histories = await Promise.all(
      repeat(8, (at) =>
        insertHistory(
          db,
          repeat(6, (count) => ({ chunks: count * at, ageDays: count % 2 === 0 ? 40 : 0 })),
        ),
      ),
    )
    await settleAll<unknown>([
      sweep(db, { outputAgeMs: dayMs }, 3),
      sweep(db, { outputBytesInTotal: 30 }, 3),
      deleteBehind(db, 10),
      db.raw('delete from deployments where name = $1', [histories[3]?.name]),
      ...repeat(5, () => insertHistory(db, [{ chunks: 3 }])),
    ])
    const sums = async () => {
      const [stored] = await db.raw(
        `select count(*)::int as chunks, coalesce(sum(octet_length(text)), 0)::int as bytes from action_output
         where not exists (select from stored_outputs o where o.action_id = action_output.action_id and removed_at is not null)
           and exists (select from actions a where a.id = action_id)`,
      )
      const { outputBytes, outputChunks } = await readStorage(db.pool)
      return { stored, counted: { chunks: outputChunks, bytes: outputBytes } }
    }
    await deleteBehind(db)
    const { stored, counted } = await sums()
    assert.deepEqual(counted, stored)
    assert.ok(stored.chunks > 0)
  })
})
