/** An action that ends before its script starts restores the deployment. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { finish } from '../../../db/queries/action-lifecycle.ts'
import { requestCancel } from '../../../db/queries/cancel-action.ts'
import { endExpiredAction } from '../../../db/queries/recovery.ts'
import { type ActionKind, actions, allowedStatuses } from '../../../domain/actions.ts'
import { valueAdded } from '../../../domain/overrides.ts'
import type { Status } from '../../../domain/statuses.ts'
import {
  actionRow,
  actorNamed,
  anyRight,
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

/** Every kind with its allowed statuses, except create and cleanup, which leave a status of their own. */
const restoredCases = (['update', 'archive', 'restore'] as const).flatMap((kind) =>
  allowedStatuses(kind).map((status): [ActionKind, Status] => [kind, status]),
)

suite('action that ended before its script started', () => {
  test('A cancel before the claim restores status, overrides and archiving time', async () => {
    for (const [kind, status] of restoredCases) {
      const name = await insertDeployment(db, status)
      await db.raw(
        `update deployments set app_overrides = '[["a",{"tag":"ValueDeleted"}]]' where name = $1`,
        [name],
      )
      const before = await db.raw(selectDeployment, [name])
      const { actionId } = await enqueue(db, kind, name, kind === 'update' ? { overrides } : {})
      assert.equal(await statusOf(db, name), actions[kind].runningStatus)
      const { change } = await requestCancel(db.pool, actionId, actorNamed('carl'), anyRight)
      assert.deepEqual(await db.raw(selectDeployment, [name]), before, `${kind} from ${status}`)
      assert.ok(change?.type === 'deployment')
      assert.deepEqual(change.deployment.deployment.app_overrides, [['a', { tag: 'ValueDeleted' }]])
    }
  })

  test('A refusal by the runner, a cancel after the claim and five lost runners restore them too', async () => {
    const ends = [
      async (actionId: number) => {
        const claimed = await claimNow(db, actionId)
        await finish(db.pool, claimed, scriptResult(null, { error: 'config_check refused the config' }))
      },
      async (actionId: number) => {
        const claimed = await claimNow(db, actionId)
        await finish(db.pool, claimed, scriptResult(null, { cancelled: true }))
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

  test('A create that never started leaves a failed deployment', async () => {
    const name = newName()
    const { actionId } = await enqueue(db, 'create', name)
    await requestCancel(db.pool, actionId, actorNamed('carl'), anyRight)
    assert.equal(await statusOf(db, name), 'GenericFailure')
  })

  test('A cleanup that never started leaves CleanupFailed, so retention does not repeat it', async () => {
    const name = await insertDeployment(db, 'Archived')
    const { actionId } = await enqueue(db, 'cleanup', name)
    await requestCancel(db.pool, actionId, actorNamed('carl'), anyRight)
    assert.equal(await statusOf(db, name), 'CleanupFailed')
  })
})

test('After the script started nothing is restored', async () => {
  const name = await insertDeployment(db)
  const claimed = await startAction(db, 'update', name)
  assert.equal((await actionRow(db, claimed.actionId)).previous_deployment, null)
  await finish(db.pool, claimed, scriptResult(null, { cancelled: true }))
  assert.equal(await statusOf(db, name), 'GenericFailure')
})
