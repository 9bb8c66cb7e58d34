/** Status changes for the notifications script. */
import assert from 'node:assert/strict'
import { beforeEach, suite, test } from 'node:test'
import { dropOldestStatusChanges, takeStatusChanges } from '../../../db/queries/status-changes.ts'
import { newName, repeat, runAction, useTestDatabase } from '../fixtures.ts'

const db = useTestDatabase(10)
beforeEach(() => db.raw('truncate deployments, deployment_checks, actions, action_output, status_changes'))

suite('status changes', () => {
  test('Every status change is logged by the schema, and taken once, in order', async () => {
    const name = newName()
    await runAction(db, 'create', name)
    await db.raw(`update deployments set status = 'Running' where name = $1`, [name])
    await db.raw(`update deployments set status = 'Running' where name = $1`, [name])
    await runAction(db, 'update', name, 1)
    const changes = await takeStatusChanges(db.pool, 10)
    assert.deepEqual(
      changes.map((change) => [change.deployment, change.old_status, change.new_status]),
      [
        [name, 'CreatePending', 'Running'],
        [name, 'Running', 'UpdatePending'],
        [name, 'UpdatePending', 'GenericFailure'],
      ],
    )
    assert.deepEqual(await takeStatusChanges(db.pool, 10), [])
  })

  test('A change says what failed: the action that ended, else the last check, else nothing', async () => {
    const name = newName()
    await runAction(db, 'create', name)
    const takeFailure = async () => (await takeStatusChanges(db.pool, 10)).at(-1)?.failure ?? null
    await db.raw(`update deployments set status = 'Running' where name = $1`, [name])
    assert.equal(await takeFailure(), null)

    await runAction(db, 'update', name, 7)
    const ofAction = await takeFailure()
    assert.equal(ofAction?.what, 'script')
    assert.equal(ofAction?.exit_code, 7)
    assert.match(ofAction?.message ?? '', /exit code 7/)

    const failure = { what: 'script', script: 'check', message: 'It failed.', hint: null, output: '503' }
    await db.raw(`update deployments set status = 'Running' where name = $1`, [name])
    await db.raw(
      `with changed as (update deployments set status = 'PartialAvailability' where name = $1 returning id)
      update deployment_checks set error = 'It failed.', exit_code = 2, failure = $2
      from changed where deployment_id = changed.id`,
      [name, failure],
    )
    assert.deepEqual(await takeFailure(), { ...failure, exit_code: 2 })
  })

  test('Concurrent takers share the status changes without duplicates, up to the limit', async () => {
    await db.raw(`insert into status_changes (deployment, old_status, new_status)
      select 'd' || n, 'Running', 'Archived' from generate_series(1, 60) n`)
    const taken = await Promise.all(repeat(10, () => takeStatusChanges(db.pool, 4)))
    for (const some of taken) assert.ok(some.length <= 4, `${some.length} taken`)
    const names = taken.flat().map((change) => change.deployment)
    assert.equal(new Set(names).size, names.length)
    for (let some = [...names]; some.length > 0; ) {
      some = (await takeStatusChanges(db.pool, 7)).map((change) => change.deployment)
      assert.ok(some.length <= 7)
      names.push(...some)
    }
    assert.equal(new Set(names).size, 60)
    assert.equal(names.length, 60)
  })

  test('Beyond a limit the oldest status changes are dropped, in batches', async () => {
    await db.raw(`insert into status_changes (deployment, old_status, new_status)
      select 'd' || n, 'Running', 'Archived' from generate_series(1, 60) n`)
    const dropped: number[] = []
    for (let count = 1; count > 0; dropped.push(count)) count = await dropOldestStatusChanges(db.pool, 25, 20)
    assert.deepEqual(dropped, [20, 15, 0])
    const left = await takeStatusChanges(db.pool, 100)
    assert.deepEqual(
      left.map((change) => change.deployment),
      repeat(25, (at) => `d${at + 36}`),
    )
  })
})
