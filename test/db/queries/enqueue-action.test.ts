/** enqueueAction: one transaction, and at most one active action per deployment. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { sql } from 'slonik'
import { isUniqueViolation } from '../../../db/errors.ts'
import { getDeploymentOverrides } from '../../../db/queries/deployments.ts'
import { type ActionKind, actionKinds, actions, allowedStatuses, canStart } from '../../../domain/actions.ts'
import { ApiError } from '../../../domain/errors.ts'
import { valueAdded, valueDeleted } from '../../../domain/overrides.ts'
import { statuses } from '../../../domain/statuses.ts'
import { withDatabase } from '../../helpers/with-database.ts'
import {
  actionRow,
  claimNow,
  enqueue,
  expireLease,
  insertActiveUpdate,
  insertDeployment,
  isRefusal,
  newName,
  repeat,
  runAction,
  settleAll,
  startAction,
  statusOf,
  useTestDatabase,
  whileRowLocked,
} from '../fixtures.ts'

const db = useTestDatabase(12)

suite('enqueueAction', () => {
  test('A create inserts a pending deployment and an action with actor, source and reason', async () => {
    const name = newName()
    const overrides = { application: [valueAdded('image.tag', 'v2')], deployment: [valueDeleted('debug')] }
    const { actionId, change } = await enqueue(db, 'create', name, {
      overrides,
      actor: 'bob',
      source: 'page',
      reason: 'a try',
    })
    assert.ok(change?.type === 'deployment')
    assert.equal(change.deployment.status.tag, 'DeploymentPending')
    assert.deepEqual(change.deployment.status.recorded_status, { tag: 'CreatePending' })
    const last = change.deployment.last_action
    assert.deepEqual(
      [last?.action_id, last?.state, last?.actor, last?.source, last?.reason],
      [actionId, 'queued', 'bob', 'page', 'a try'],
    )
    const target = await getDeploymentOverrides(db.pool, name)
    assert.deepEqual(target.overrides, overrides)
    const row = await actionRow(db, actionId)
    assert.deepEqual(
      [row.app_overrides, row.deployment_overrides],
      [overrides.application, overrides.deployment],
    )
  })

  test('Every action is accepted or refused for every status as the table says, and a refusal changes nothing', async () => {
    for (const status of statuses)
      for (const kind of actionKinds) {
        const name = await insertDeployment(db, status)
        const [before] = await db.raw('select * from deployments where name = $1', [name])
        const enqueued = enqueue(db, kind, name)
        if (canStart(kind, status)) {
          await enqueued
          assert.equal(await statusOf(db, name), actions[kind].runningStatus ?? status)
          continue
        }
        await assert.rejects(enqueued, isRefusal(kind === 'create' ? 'name_taken' : 'invalid_transition'))
        assert.deepEqual(await db.raw('select * from deployments where name = $1', [name]), [before])
        const queued = `select from actions where state = 'queued' and deployment_id = $1`
        assert.equal((await db.raw(queued, [before.id])).length, 0)
      }
  })

  test('An unknown deployment is refused', async () => {
    for (const kind of actionKinds.filter((one) => one !== 'create'))
      await assert.rejects(
        enqueue(db, kind, 'unknown'),
        isRefusal('no_such_deployment', /no deployment unknown/),
      )
  })

  test('A second action is refused while one is queued or running', async () => {
    const name = await insertDeployment(db)
    const { actionId } = await enqueue(db, 'update', name)
    await assert.rejects(enqueue(db, 'update', name), isRefusal('busy', /currently being processed/))
    await assert.rejects(enqueue(db, 'archive', name), isRefusal('busy'))
    await claimNow(db, actionId)
    await assert.rejects(enqueue(db, 'restore', name), isRefusal('busy'))
  })

  test('Of many concurrent actions exactly one is accepted, and the others are busy', async () => {
    const name = await insertDeployment(db)
    const { won, lost } = await settleAll(repeat(30, () => enqueue(db, 'update', name)))
    assert.equal(won.length, 1)
    assert.deepEqual(new Set(lost.map((error) => error instanceof ApiError && error.code)), new Set(['busy']))
    const archiving = await insertDeployment(db, 'ArchivePending')
    const second = await settleAll(repeat(30, () => enqueue(db, 'archive', archiving)))
    assert.equal(second.won.length, 1)
    assert.ok(second.lost.every((error) => error.code === 'busy'))
  })

  test('Of many concurrent creates of one name exactly one is accepted', async () => {
    const name = newName()
    const { won, lost } = await settleAll(repeat(20, () => enqueue(db, 'create', name)))
    assert.equal(won.length, 1)
    assert.ok(lost.every((error) => error.code === 'name_taken'))
  })

  test('An action that waited for the row lock sees the end of another one', async () => {
    const name = await insertDeployment(db)
    const claimed = await startAction(db, 'update', name)
    const { actionId } = await whileRowLocked(
      db,
      name,
      () => enqueue(db, 'archive', name),
      async (query) => {
        await query(
          `update actions set state = 'failed', finished_at = now(), writer_token = fencing_token where id = $1`,
          [claimed.actionId],
        )
        await query(`update deployments set status = 'GenericFailure' where name = $1`, [name])
      },
    )
    assert.ok(actionId > claimed.actionId)
  })

  test('An action that waited for the row lock sees the start of another one', async () => {
    const name = await insertDeployment(db)
    const second = whileRowLocked(db, name, () => enqueue(db, 'update', name), insertActiveUpdate(name))
    await assert.rejects(second, isRefusal('busy'))
  })

  test('Different deployments never wait for each other', async () => {
    const name = await insertDeployment(db)
    await withDatabase(db.url, async (other) => {
      await other.query('begin')
      await other.query('select from deployments where name = $1 for update', [name])
      for (const another of repeat(5, newName)) await runAction(db, 'create', another)
      await other.query('rollback')
    })
  })

  test('The schema itself refuses a second active action', async () => {
    const name = await insertDeployment(db)
    const insert = `insert into actions (deployment_id, kind, state, app_overrides, deployment_overrides, actor, source)
      select id, 'update', 'queued', '[]', '[]', 'x', 'api' from deployments where name = $1`
    await db.raw(insert, [name])
    await assert.rejects(db.raw(insert, [name]), /actions_one_active/)
    await assert.rejects(enqueue(db, 'update', name), isRefusal('busy'))
  })

  test('An action on an archived deployment clears the archiving time, except a cleanup', async () => {
    const since = async (name: string) =>
      (await db.raw('select archived_at from deployments where name = $1', [name]))[0].archived_at
    const [restored, cleaned] = [
      await insertDeployment(db, 'Archived'),
      await insertDeployment(db, 'Archived'),
    ]
    await enqueue(db, 'restore', restored)
    await enqueue(db, 'cleanup', cleaned)
    assert.equal(await since(restored), null)
    assert.notEqual(await since(cleaned), null)
  })

  test('Overrides keep every character except NUL', async () => {
    const name = newName()
    const odd = [valueAdded('key', '\'"\\\n\t$x -- ; \u2028 😀 \ufffd')]
    await enqueue(db, 'create', name, { overrides: { application: odd, deployment: [] } })
    assert.deepEqual((await getDeploymentOverrides(db.pool, name)).overrides.application, odd)
  })
})

suite('lifecycle of a deployment', () => {
  test('A deployment goes from create to cleanup, one action after another', async () => {
    const name = newName()
    const steps: [ActionKind, string][] = [
      ['create', 'CreatePending'],
      ['update', 'UpdatePending'],
      ['archive', 'ArchivePending'],
      ['restore', 'CreatePending'],
      ['archive', 'ArchivePending'],
      ['cleanup', 'deleted'],
    ]
    for (const [kind, status] of steps) {
      await runAction(db, kind, name)
      assert.equal(await statusOf(db, name), status, kind)
      const checked = status === 'ArchivePending' ? 'Archived' : 'Running'
      await db.raw('update deployments set status = $2 where name = $1', [name, checked])
    }
    await runAction(db, 'create', name)
    assert.equal(await statusOf(db, name), 'CreatePending', 'the name can be used again')
  })

  test('A failed script leaves the failure status of its action', async () => {
    for (const kind of actionKinds.filter((one) => one !== 'create')) {
      const name = await insertDeployment(db, allowedStatuses(kind)[0])
      await runAction(db, kind, name, 1)
      assert.equal(await statusOf(db, name), actions[kind].failureStatus)
    }
  })

  test('An action with an expired lease is still active', async () => {
    const name = await insertDeployment(db)
    const claimed = await startAction(db, 'update', name)
    await expireLease(db, claimed.actionId)
    await assert.rejects(enqueue(db, 'update', name), isRefusal('busy'))
  })

  test('A unique violation is recognized', async () => {
    const name = await insertDeployment(db)
    const insert = sql.unsafe`insert into deployments (name, status, app_overrides, deployment_overrides, links)
      values (${name}, 'Running', '[]', '[]', '[]')`
    await assert.rejects(db.pool.query(insert), isUniqueViolation)
  })
})
