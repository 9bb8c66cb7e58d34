/** Recovery: unclaimed actions and expired leases. */
import assert from 'node:assert/strict'
import { beforeEach, suite, test } from 'node:test'
import { requestCancel } from '../../../db/queries/cancel-action.ts'
import { findNextActions } from '../../../db/queries/claim-order.ts'
import { appendOutput } from '../../../db/queries/output.ts'
import { endExpiredAction } from '../../../db/queries/recovery.ts'
import {
  actionRow,
  actorNamed,
  anyRight,
  claimNow,
  enqueue,
  expireLease,
  getWholeOutput,
  newName,
  repeat,
  startAction,
  statusOf,
  useTestDatabase,
} from '../fixtures.ts'

const db = useTestDatabase(10)
beforeEach(() => db.raw('truncate deployments, deployment_checks, actions, action_output, status_changes'))

suite('expired leases', () => {
  test('An action that loses five runners before its start ends as interrupted', async () => {
    const { actionId } = await enqueue(db, 'create', newName())
    for (const _ of repeat(5, newName)) {
      assert.equal(await endExpiredAction(db.pool, true), null)
      await claimNow(db, actionId)
      await expireLease(db, actionId)
    }
    assert.deepEqual(await findNextActions(db.pool, 10, []), [])
    assert.equal((await endExpiredAction(db.pool, true))?.retryActionId, null)
    const row = await actionRow(db, actionId)
    assert.deepEqual([row.state, row.started_at], ['interrupted', null])
  })

  test('A started action ends as interrupted, with its output so far and the name of its runner', async () => {
    const name = newName()
    const claimed = await startAction(db, 'create', name)
    await appendOutput(db.pool, claimed, [{ seq: 1, stream: 'stdout', text: 'so far' }])
    assert.equal(await endExpiredAction(db.pool, false), null, 'not during the lease')
    await expireLease(db, claimed.actionId)
    const lost = await endExpiredAction(db.pool, false)
    assert.deepEqual(
      [lost?.actionId, lost?.name, lost?.runner, lost?.retryActionId],
      [claimed.actionId, name, 'runner', null],
    )
    const row = await actionRow(db, claimed.actionId)
    assert.deepEqual([row.state, row.error], ['interrupted', 'Its runner runner was lost or lost its lease.'])
    assert.equal((await getWholeOutput(db.pool, claimed.actionId)).stdout, 'so far')
    assert.equal(await statusOf(db, name), 'GenericFailure')
    assert.equal(await endExpiredAction(db.pool, false), null)
  })

  test('An action that had not started can be claimed again', async () => {
    const claimed = await claimNow(db, (await enqueue(db, 'create', newName())).actionId)
    await expireLease(db, claimed.actionId)
    assert.equal(await endExpiredAction(db.pool, true), null)
  })

  test('An action with a cancel request that had not started is cancelled', async () => {
    const claimed = await claimNow(db, (await enqueue(db, 'create', newName())).actionId)
    await requestCancel(db.pool, claimed.actionId, actorNamed('ann'), anyRight)
    await expireLease(db, claimed.actionId)
    assert.equal((await endExpiredAction(db.pool, true))?.retryActionId, null)
    assert.equal((await actionRow(db, claimed.actionId)).state, 'cancelled')
  })

  test('With retries allowed, a visible new attempt follows, at most three in all', async () => {
    const name = newName()
    let claimed = await startAction(db, 'create', name)
    for (const attempt of [2, 3]) {
      await expireLease(db, claimed.actionId)
      const lost = await endExpiredAction(db.pool, true)
      assert.ok(lost?.retryActionId)
      assert.ok(lost.change.type === 'deployment')
      assert.equal(lost.change.deployment.status.tag, 'DeploymentPending')
      const row = await actionRow(db, lost.retryActionId)
      assert.deepEqual(
        [row.kind, row.state, row.attempt, row.actor, row.config_checked],
        ['create', 'queued', attempt, 'ann', true],
      )
      assert.match(row.reason, new RegExp(`Retry of action ${claimed.actionId}`))
      assert.equal(await statusOf(db, name), 'CreatePending')
      claimed = await claimAndStart(lost.retryActionId)
    }
    await expireLease(db, claimed.actionId)
    assert.equal((await endExpiredAction(db.pool, true))?.retryActionId, null)
    assert.equal(await statusOf(db, name), 'GenericFailure')
  })

  const claimAndStart = async (actionId: number) => {
    const claimed = await claimNow(db, actionId)
    await db.raw(
      `update actions set state = 'running', started_at = now(), writer_token = fencing_token where id = $1`,
      [actionId],
    )
    return claimed
  }

  test('An action with a cancel request is not retried', async () => {
    const claimed = await startAction(db, 'create', newName())
    await requestCancel(db.pool, claimed.actionId, actorNamed('ann'), anyRight)
    await expireLease(db, claimed.actionId)
    assert.equal((await endExpiredAction(db.pool, true))?.retryActionId, null)
  })

  test('Concurrent recoveries end each action once', async () => {
    const ids: number[] = []
    for (const name of repeat(8, newName)) ids.push((await startAction(db, 'create', name)).actionId)
    for (const id of ids) await expireLease(db, id)
    const found: number[] = []
    await Promise.all(
      repeat(5, async () => {
        for (
          let lost = await endExpiredAction(db.pool, true);
          lost;
          lost = await endExpiredAction(db.pool, true)
        )
          found.push(lost.actionId)
      }),
    )
    assert.deepEqual(
      found.sort((a, b) => a - b),
      ids,
    )
    const waiting = await db.raw(`select from actions where state = 'queued'`)
    assert.equal(waiting.length, 8)
  })
})
