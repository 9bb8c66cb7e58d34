/** An action that ends before its script has started has done nothing: the deployment is what it was. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { finish } from '../../../db/queries/action-lifecycle.ts'
import { requestCancel } from '../../../db/queries/cancel-action.ts'
import { endExpiredAction } from '../../../db/queries/recovery.ts'
import { type ActionKind, actions } from '../../../domain/actions.ts'
import { valueAdded } from '../../../domain/overrides.ts'
import type { Status } from '../../../domain/statuses.ts'
import {
  actionRow,
  claimNow,
  enqueue,
  expireLease,
  insertDeployment,
  newName,
  repeat,
  scriptResult,
  startAction,
  statusOf,
  useTestDatabase,
} from '../fixtures.ts'

const db = useTestDatabase(5)
const selectDeployment = `select name, status, archived_at, app_overrides, deployment_overrides from deployments where name = $1`
const overrides = { application: [valueAdded('a', 'new')], deployment: [valueAdded('b', 'new')] }

/** Every kind and status from which it begins, but for the two that leave their own mark. */
const undoneCases = (['update', 'archive', 'restore'] as const).flatMap((kind) =>
  actions[kind].allowedFrom.map((status): [ActionKind, Status] => [kind, status]),
)

suite('an action that ended before its script started', () => {
  test('cancelled while nobody held it, leaves status, overrides and time of archiving as they were', async () => {
    for (const [kind, status] of undoneCases) {
      const name = await insertDeployment(db, status)
      await db.raw(
        `update deployments set app_overrides = '[["a",{"tag":"ValueDeleted"}]]' where name = $1`,
        [name],
      )
      const before = await db.raw(selectDeployment, [name])
      const { actionId } = await enqueue(db, kind, name, kind === 'update' ? { overrides } : {})
      assert.equal(await statusOf(db, name), actions[kind].runningStatus)
      const { change } = await requestCancel(db.pool, actionId, 'carl')
      assert.deepEqual(await db.raw(selectDeployment, [name]), before, `${kind} from ${status}`)
      assert.ok(change?.type === 'deployment')
      assert.deepEqual(change.deployment.deployment.app_overrides, [['a', { tag: 'ValueDeleted' }]])
    }
  })

  test('refused by its runner, cancelled in its hands or lost again and again, leaves the same', async () => {
    const ends = [
      async (actionId: number) => {
        const held = await claimNow(db, actionId)
        await finish(db.pool, held, scriptResult(null, { error: 'config_check says no' }))
      },
      async (actionId: number) => {
        const held = await claimNow(db, actionId)
        await finish(db.pool, held, scriptResult(null, { cancelled: true }))
      },
      async (actionId: number) => {
        for (const _ of repeat(5, newName)) {
          await claimNow(db, actionId)
          await expireLease(db, actionId)
        }
        assert.equal((await endExpiredAction(db.pool, true))?.actionId, actionId)
      },
    ]
    for (const end of ends) {
      const name = await insertDeployment(db, 'Archived')
      const before = await db.raw(selectDeployment, [name])
      const { actionId } = await enqueue(db, 'restore', name)
      await end(actionId)
      assert.deepEqual(await db.raw(selectDeployment, [name]), before)
    }
  })

  test('fails a new deployment, for there is nothing it was before', async () => {
    const name = newName()
    const { actionId } = await enqueue(db, 'create', name)
    await requestCancel(db.pool, actionId, 'carl')
    assert.equal(await statusOf(db, name), 'GenericFailure')
  })

  test('marks a cleanup as failed, so that retention does not ask for it again by itself', async () => {
    const name = await insertDeployment(db, 'Archived')
    const { actionId } = await enqueue(db, 'cleanup', name)
    await requestCancel(db.pool, actionId, 'carl')
    assert.equal(await statusOf(db, name), 'CleanupFailed')
  })
})

test('once the script has started nothing is undone, however it ends', async () => {
  const name = await insertDeployment(db)
  const held = await startAction(db, 'update', name)
  assert.equal((await actionRow(db, held.actionId)).previous_deployment, null)
  await finish(db.pool, held, scriptResult(null, { cancelled: true }))
  assert.equal(await statusOf(db, name), 'GenericFailure')
})
