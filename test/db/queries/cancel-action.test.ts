/** Cancel: repeated, and concurrent with a claim or an end. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { isStaleWrite } from '../../../db/errors.ts'
import { claim, finish, renew, start } from '../../../db/queries/action-lifecycle.ts'
import { requestCancel } from '../../../db/queries/cancel-action.ts'
import { getListVersion } from '../../../db/queries/deployments.ts'
import { appendOutput } from '../../../db/queries/output.ts'
import {
  actionRow,
  actorNamed,
  anyRight,
  claimNow,
  enqueue,
  expireLease,
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
} from '../fixtures.ts'

const db = useTestDatabase(10)
const cancel = (actionId: number, actor = 'carl') =>
  requestCancel(db.pool, actionId, actorNamed(actor), anyRight)

suite('cancel', () => {
  test('A cancel ends an unclaimed action at once, stores the actor and restores the deployment', async () => {
    const name = await insertDeployment(db)
    const { actionId } = await enqueue(db, 'update', name)
    const { change, isClaimed } = await cancel(actionId)
    assert.equal(isClaimed, false)
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
    const claimed = await startAction(db, 'update', await insertDeployment(db))
    assert.deepEqual(await renew(db.pool, claimed, leaseMs), { cancel: false })
    const cancelled = await cancel(claimed.actionId)
    assert.equal(cancelled.isClaimed, true)
    assert.ok(cancelled.change?.type === 'deployment')
    assert.ok(cancelled.change.deployment.last_action?.cancel_requested_at)
    assert.deepEqual(await renew(db.pool, claimed, leaseMs), { cancel: true })
    await finish(db.pool, claimed, scriptResult(null, { cancelled: true, signal: 'SIGTERM' }))
    assert.equal((await actionRow(db, claimed.actionId)).state, 'cancelled')
  })

  test('A script that ended before the cancel reached it keeps its result', async () => {
    for (const [exitCode, state] of [
      [0, 'succeeded'],
      [3, 'failed'],
    ] as const) {
      const claimed = await startAction(db, 'update', await insertDeployment(db))
      assert.equal((await cancel(claimed.actionId)).isClaimed, true)
      await finish(db.pool, claimed, scriptResult(exitCode))
      const row = await actionRow(db, claimed.actionId)
      assert.deepEqual([row.state, row.cancelled_by], [state, 'carl'])
      assert.ok(row.cancel_requested_at, 'and says that a cancel was requested')
      await assert.rejects(cancel(claimed.actionId), isRefusal('action_finished'))
    }
  })

  test('A repeated cancel changes nothing: the first actor and time stay', async () => {
    const claimed = await startAction(db, 'update', await insertDeployment(db))
    await cancel(claimed.actionId, 'first')
    const before = await actionRow(db, claimed.actionId)
    const changes = await getListVersion(db.pool)
    const { actionId } = claimed
    assert.deepEqual(await cancel(actionId, 'second'), { actionId, change: null, isClaimed: true })
    assert.deepEqual(await actionRow(db, claimed.actionId), before)
    assert.equal(await getListVersion(db.pool), changes)
    await finish(db.pool, claimed, scriptResult(null, { cancelled: true }))
    assert.deepEqual(await cancel(actionId), { actionId, change: null, isClaimed: false })
  })

  test('A cancel of an ended or unknown action is refused', async () => {
    const claimed = await runAction(db, 'create', newName())
    await assert.rejects(cancel(claimed.actionId), isRefusal('action_finished', /succeeded/))
    await assert.rejects(cancel(999_999_999), isRefusal('no_such_action'))
  })

  test('A cancel ends an action whose lease expired before the start', async () => {
    const { actionId } = await enqueue(db, 'update', await insertDeployment(db))
    const claimed = await claimNow(db, actionId)
    await expireLease(db, actionId)
    assert.equal((await cancel(actionId)).isClaimed, false)
    await assert.rejects(start(db.pool, claimed, null), isStaleWrite)
    await assert.rejects(
      appendOutput(db.pool, claimed, [{ seq: 1, stream: 'stdout', text: 'x' }]),
      isStaleWrite,
    )
  })

  test('With a concurrent claim the action never runs, or its runner learns of the cancel', async () => {
    for (const _ of repeat(20, newName)) {
      const { actionId } = await enqueue(db, 'create', newName())
      const [cancelled, claimed] = await Promise.all([
        cancel(actionId),
        claim(db.pool, actionId, 'r', leaseMs),
      ])
      const { state } = await actionRow(db, actionId)
      assert.equal(cancelled.isClaimed, claimed !== null)
      assert.equal(state, claimed === null ? 'cancelled' : 'queued')
      if (claimed) assert.deepEqual(await renew(db.pool, claimed, leaseMs), { cancel: true })
    }
  })

  test('With a concurrent finish the action ends in one of the two ways', async () => {
    for (const _ of repeat(20, newName)) {
      const claimed = await startAction(db, 'create', newName())
      const { won, lost } = await settleAll<unknown>([
        cancel(claimed.actionId),
        finish(db.pool, claimed, scriptResult(0)),
      ])
      assert.equal((await actionRow(db, claimed.actionId)).state, 'succeeded')
      assert.ok(won.length === 2 || lost[0].code === 'action_finished')
    }
  })
})
