/** Which archived deployments the retention finds. */
import assert from 'node:assert/strict'
import { beforeEach, suite, test } from 'node:test'
import { findExpiredArchives } from '../../../db/queries/retention.ts'
import { enqueue, insertDeployment, useTestDatabase } from '../fixtures.ts'

const db = useTestDatabase(10)
beforeEach(() =>
  db.raw('truncate deployments, deployment_checks, actions, action_output, status_changes, pauses'),
)

suite('expired archives', () => {
  test('Expired archives are found oldest first, without those with an active action', async () => {
    const age = (name: string, days: number) =>
      db.raw(`update deployments set archived_at = now() - make_interval(days => $2) where name = $1`, [
        name,
        days,
      ])
    const [young, old, older, busy, failed] = [
      await insertDeployment(db, 'Archived'),
      await insertDeployment(db, 'Archived'),
      await insertDeployment(db, 'Archived'),
      await insertDeployment(db, 'Archived'),
      await insertDeployment(db, 'CleanupFailed'),
    ]
    await enqueue(db, 'cleanup', busy)
    await age(old, 15)
    await age(older, 20)
    await age(busy, 30)
    await age(failed, 30)
    const twoWeeks = 14 * 86_400_000
    assert.deepEqual(await findExpiredArchives(db.pool, twoWeeks, 10), [older, old])
    assert.deepEqual(await findExpiredArchives(db.pool, twoWeeks, 1), [older])
    assert.ok((await findExpiredArchives(db.pool, 0, 10)).includes(young))
  })
  test('While retention is paused nothing is found, and afterwards everything', async () => {
    const name = await insertDeployment(db, 'Archived')
    await db.raw(`insert into pauses (what, paused_by, reason) values ('retention', 'ann', 'backup')`)
    assert.deepEqual(await findExpiredArchives(db.pool, 0, 10), [])
    await db.raw('update pauses set paused_until = now()')
    assert.deepEqual(await findExpiredArchives(db.pool, 0, 10), [name])
  })
})
