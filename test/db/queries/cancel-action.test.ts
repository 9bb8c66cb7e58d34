/** Cancel: repeated, and concurrent with a claim or an end. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { isStaleWrite } from '../../../db/errors.ts'
import { claim, finish, renew, start } from '../../../db/queries/action-lifecycle.ts'
import { deleteDeployment, requestCancel } from '../../../db/queries/cancel-action.ts'
import { getListVersion } from '../../../db/queries/deployments.ts'
import { appendOutput } from '../../../db/queries/output.ts'
import {
  actionRow,
  claimNow,
  enqueue,
  expireLease,
  insertActiveUpdate,
  insertDeployment,
  isRefusal,
  leaseMs,
  newName,
  repeat,
  runAction,
  scriptResult,
  settleAll,
  startAction,
  statusOf,
  useTestDatabase,
  whileRowLocked,
} from '../fixtures.ts'

const db = useTestDatabase(10)
const cancel = (actionId: number, actor = 'carl') => requestCancel(db.pool, actionId, actor)

suite('cancel', () => {
  test('A cancel ends an unclaimed action at once, stores the actor and restores the deployment', async () => {
    const name = await insertDeployment(db)
    const { actionId } = await enqueue(db, 'update', name)
    const { change, held } = await cancel(actionId)
    assert.equal(held, false)
    assert.ok(change?.type === 'deployment')
    assert.equal(change.deployment.status.tag, 'DeploymentNotPending')
    assert.equal(change.deployment.last_action?.state, 'cancelled')
    const row = await actionRow(db, actionId)
    assert.deepEqual([row.state, row.cancelled_by, row.started_at], ['cancelled', 'carl', null])
    assert.equal(await claim(db.pool, actionId, 'runner', leaseMs), null)
    assert.equal(await statusOf(db, name), 'Running')
    await enqueue(db, 'update', name)
  })

  test('A cancel of a claimed action reaches its runner with the next renewal', async () => {
    const held = await startAction(db, 'update', await insertDeployment(db))
    assert.deepEqual(await renew(db.pool, held, leaseMs), { cancel: false })
    const asked = await cancel(held.actionId)
    assert.equal(asked.held, true)
    assert.ok(asked.change?.type === 'deployment')
    assert.ok(asked.change.deployment.last_action?.cancel_requested_at)
    assert.deepEqual(await renew(db.pool, held, leaseMs), { cancel: true })
    await finish(db.pool, held, scriptResult(null, { cancelled: true, signal: 'SIGTERM' }))
    assert.equal((await actionRow(db, held.actionId)).state, 'cancelled')
  })

  test('A repeated cancel changes nothing: the first actor and time stay', async () => {
    const held = await startAction(db, 'update', await insertDeployment(db))
    await cancel(held.actionId, 'first')
    const before = await actionRow(db, held.actionId)
    const changes = await getListVersion(db.pool)
    assert.deepEqual(await cancel(held.actionId, 'second'), { change: null, held: true })
    assert.deepEqual(await actionRow(db, held.actionId), before)
    assert.equal(await getListVersion(db.pool), changes)
    await finish(db.pool, held, scriptResult(null, { cancelled: true }))
    assert.deepEqual(await cancel(held.actionId), { change: null, held: false })
  })

  test('A cancel of an ended or unknown action is refused', async () => {
    const held = await runAction(db, 'create', newName())
    await assert.rejects(cancel(held.actionId), isRefusal('action_finished', /succeeded/))
    await assert.rejects(cancel(999_999_999), isRefusal('no_such_action'))
  })

  test('A cancel ends an action whose lease expired before the start', async () => {
    const { actionId } = await enqueue(db, 'update', await insertDeployment(db))
    const held = await claimNow(db, actionId)
    await expireLease(db, actionId)
    assert.equal((await cancel(actionId)).held, false)
    await assert.rejects(start(db.pool, held, null), isStaleWrite)
    await assert.rejects(appendOutput(db.pool, held, [{ seq: 1, stream: 'stdout', text: 'x' }]), isStaleWrite)
  })

  test('With a concurrent claim the action never runs, or its runner learns of the cancel', async () => {
    for (const _ of repeat(20, newName)) {
      const { actionId } = await enqueue(db, 'create', newName())
      const [asked, claimed] = await Promise.all([cancel(actionId), claim(db.pool, actionId, 'r', leaseMs)])
      const { state } = await actionRow(db, actionId)
      assert.equal(asked.held, claimed !== null)
      assert.equal(state, claimed === null ? 'cancelled' : 'queued')
      if (claimed) assert.deepEqual(await renew(db.pool, claimed, leaseMs), { cancel: true })
    }
  })

  test('With a concurrent finish the action ends in one of the two ways', async () => {
    for (const _ of repeat(20, newName)) {
      const held = await startAction(db, 'create', newName())
      const { won, lost } = await settleAll<unknown>([
        cancel(held.actionId),
        finish(db.pool, held, scriptResult(0)),
      ])
      assert.equal((await actionRow(db, held.actionId)).state, 'succeeded')
      assert.ok(won.length === 2 || lost[0].code === 'action_finished')
    }
  })
})

suite('delete', () => {
  const forget = (name: string) => deleteDeployment(db.pool, name, undefined)

  test('A delete removes a deployment, its actions and their output', async () => {
    const name = await insertDeployment(db)
    const held = await startAction(db, 'update', name)
    await appendOutput(db.pool, held, [{ seq: 1, stream: 'stdout', text: 'x' }])
    await finish(db.pool, held, scriptResult(0))
    const change = await forget(name)
    assert.ok(change?.type === 'deleted')
    assert.equal(change.name, name)
    assert.equal(await statusOf(db, name), 'deleted')
    assert.equal(await actionRow(db, held.actionId), undefined)
    assert.deepEqual(await db.raw('select * from action_output where action_id = $1', [held.actionId]), [])
    await assert.rejects(forget(name), isRefusal('no_such_deployment'))
  })

  test('A delete is refused while an action is active', async () => {
    const name = await insertDeployment(db)
    await enqueue(db, 'update', name)
    await assert.rejects(forget(name), isRefusal('busy'))
  })

  test('A delete that waited for the row lock sees an action that started', async () => {
    const name = await insertDeployment(db)
    await assert.rejects(
      whileRowLocked(db, name, () => forget(name), insertActiveUpdate(name)),
      isRefusal('busy'),
    )
    assert.equal(await statusOf(db, name), 'UpdatePending')
  })

  test('Of a delete and a concurrent action exactly one succeeds', async () => {
    for (const _ of repeat(20, newName)) {
      const name = await insertDeployment(db)
      const { won, lost } = await settleAll<unknown>([enqueue(db, 'update', name), forget(name)])
      assert.equal(won.length, 1)
      assert.ok(['busy', 'no_such_deployment'].includes(lost[0].code), lost[0].message)
      const gone = (await statusOf(db, name)) === 'deleted'
      assert.equal(gone, lost[0].code === 'no_such_deployment')
    }
  })

  test('Concurrent deletes happen once, and the next deployment of that name has a greater revision', async () => {
    const name = await insertDeployment(db)
    const { won, lost } = await settleAll(repeat(10, () => forget(name)))
    assert.equal(won.length, 1)
    assert.ok(lost.every((error) => error.code === 'no_such_deployment'))
    const { change } = await enqueue(db, 'create', name)
    assert.ok(change && won[0] && change.revision > won[0].revision)
  })
})
