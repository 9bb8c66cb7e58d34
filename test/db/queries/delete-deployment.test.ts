/** Delete of a deployment: repeated, and concurrent with an action. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { finish } from '../../../db/queries/action-lifecycle.ts'
import { deleteDeployment } from '../../../db/queries/delete-deployment.ts'
import { appendOutput } from '../../../db/queries/output.ts'
import {
  actionRow,
  enqueue,
  insertActiveUpdate,
  insertDeployment,
  isRefusal,
  newName,
  repeat,
  scriptResult,
  settleAll,
  startAction,
  statusOf,
  testActor,
  useTestDatabase,
  whileRowLocked,
} from '../fixtures.ts'
import { deleteBehind } from './history/history-fixtures.ts'

const db = useTestDatabase(10)

suite('delete', () => {
  const remove = (name: string) => deleteDeployment(db.pool, name, testActor, undefined)

  test('A delete removes a deployment, its actions and their output', async () => {
    const name = await insertDeployment(db)
    const claimed = await startAction(db, 'update', name)
    await appendOutput(db.pool, claimed, [{ seq: 1, stream: 'stdout', text: 'x' }])
    await finish(db.pool, claimed, scriptResult(0))
    const change = await remove(name)
    assert.ok(change?.type === 'deleted')
    assert.equal(change.name, name)
    assert.equal(await statusOf(db, name), 'deleted')
    await deleteBehind(db)
    assert.equal(await actionRow(db, claimed.actionId), undefined)
    assert.deepEqual(await db.raw('select * from action_output where action_id = $1', [claimed.actionId]), [])
    await assert.rejects(remove(name), isRefusal('no_such_deployment'))
  })

  test('A delete is refused while an action is active', async () => {
    const name = await insertDeployment(db)
    await enqueue(db, 'update', name)
    await assert.rejects(remove(name), isRefusal('busy'))
  })

  test('A delete that waited for the row lock sees an action that started', async () => {
    const name = await insertDeployment(db)
    await assert.rejects(
      whileRowLocked(db, name, () => remove(name), insertActiveUpdate(name)),
      isRefusal('busy'),
    )
    assert.equal(await statusOf(db, name), 'UpdatePending')
  })

  test('Of a delete and a concurrent action exactly one succeeds', async () => {
    for (const _ of repeat(20, newName)) {
      const name = await insertDeployment(db)
      const { won, lost } = await settleAll<unknown>([enqueue(db, 'update', name), remove(name)])
      assert.equal(won.length, 1)
      assert.ok(['busy', 'no_such_deployment'].includes(lost[0].code), lost[0].message)
      const isDeleted = (await statusOf(db, name)) === 'deleted'
      assert.equal(isDeleted, lost[0].code === 'no_such_deployment')
    }
  })

  test('Concurrent deletes happen once, and the next deployment of that name has a greater revision', async () => {
    const name = await insertDeployment(db)
    const { won, lost } = await settleAll(repeat(10, () => remove(name)))
    assert.equal(won.length, 1)
    assert.ok(lost.every((error) => error.code === 'no_such_deployment'))
    const { change } = await enqueue(db, 'create', name)
    assert.ok(change && won[0] && change.revision > won[0].revision)
  })
})
