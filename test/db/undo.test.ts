/** An action that ends before its script has started has done nothing: the deployment is what it was. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { requestCancel } from '../../db/cancel.ts'
import { endOneLost } from '../../db/sweep.ts'
import { finish } from '../../db/transition.ts'
import { type ActionKind, actions } from '../../domain/action.ts'
import { added } from '../../domain/overrides.ts'
import type { Status } from '../../domain/status.ts'
import {
  actionRow,
  ask,
  deployment,
  ended,
  ground,
  loseLease,
  newName,
  running,
  statusOf,
  take,
  times,
} from './ground.ts'

const here = ground(5)
const kept = `select name, status, archived_at, app_overrides, deployment_overrides from deployments where name = $1`
const overrides = { app: [added('a', 'new')], deployment: [added('b', 'new')] }

/** Every kind and status from which it begins, but for the two that leave their own mark. */
const undone = (['update', 'archive', 'restore'] as const).flatMap((kind) =>
  actions[kind].from.map((status): [ActionKind, Status] => [kind, status]),
)

suite('an action that ended before its script started', () => {
  test('cancelled while nobody held it, leaves status, overrides and time of archiving as they were', async () => {
    for (const [kind, status] of undone) {
      const name = await deployment(here, status)
      await here.raw(
        `update deployments set app_overrides = '[["a",{"tag":"ValueDeleted"}]]' where name = $1`,
        [name],
      )
      const before = await here.raw(kept, [name])
      const { actionId } = await ask(here, kind, name, kind === 'update' ? { overrides } : {})
      assert.equal(await statusOf(here, name), actions[kind].during)
      const { change } = await requestCancel(here.pool, actionId, 'carl')
      assert.deepEqual(await here.raw(kept, [name]), before, `${kind} from ${status}`)
      assert.ok(change?.type === 'deployment')
      assert.deepEqual(change.deployment.deployment.app_overrides, [['a', { tag: 'ValueDeleted' }]])
    }
  })

  test('refused by its runner, cancelled in its hands or lost again and again, leaves the same', async () => {
    const ends = [
      async (actionId: number) => {
        const held = await take(here, actionId)
        await finish(here.pool, held, ended(null, { problem: 'config_check says no' }))
      },
      async (actionId: number) => {
        const held = await take(here, actionId)
        await finish(here.pool, held, ended(null, { cancelled: true }))
      },
      async (actionId: number) => {
        for (const _ of times(5, newName)) {
          await take(here, actionId)
          await loseLease(here, actionId)
        }
        assert.equal((await endOneLost(here.pool, true))?.actionId, actionId)
      },
    ]
    for (const end of ends) {
      const name = await deployment(here, 'Archived')
      const before = await here.raw(kept, [name])
      const { actionId } = await ask(here, 'restore', name)
      await end(actionId)
      assert.deepEqual(await here.raw(kept, [name]), before)
    }
  })

  test('fails a new deployment, for there is nothing it was before', async () => {
    const name = newName()
    const { actionId } = await ask(here, 'create', name)
    await requestCancel(here.pool, actionId, 'carl')
    assert.equal(await statusOf(here, name), 'GenericFailure')
  })

  test('marks a cleanup as failed, so that retention does not ask for it again by itself', async () => {
    const name = await deployment(here, 'Archived')
    const { actionId } = await ask(here, 'cleanup', name)
    await requestCancel(here.pool, actionId, 'carl')
    assert.equal(await statusOf(here, name), 'CleanupFailed')
  })
})

test('once the script has started nothing is undone, however it ends', async () => {
  const name = await deployment(here)
  const held = await running(here, 'update', name)
  assert.equal((await actionRow(here, held.actionId)).undo, null)
  await finish(here.pool, held, ended(null, { cancelled: true }))
  assert.equal(await statusOf(here, name), 'GenericFailure')
})
