/** Actions that wait behind another one of their deployment: who starts them, what ends them, and what readers see. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { claim, finish, start } from '../../../db/queries/action-lifecycle.ts'
import { getAction } from '../../../db/queries/actions.ts'
import { requestCancel } from '../../../db/queries/cancel-action.ts'
import { claimChecks, saveCheckResultAndStatus, stopWaiting } from '../../../db/queries/checks.ts'
import { deleteDeployment } from '../../../db/queries/delete-deployment.ts'
import { getListVersion } from '../../../db/queries/deployments.ts'
import type { ActionRequest } from '../../../db/queries/enqueue-action.ts'
import { endExpiredAction, startOverdueWaitingActions } from '../../../db/queries/recovery.ts'
import type { ActionKind } from '../../../domain/actions.ts'
import { queuedActionOf } from '../../../domain/event.ts'
import { valueAdded } from '../../../domain/overrides.ts'
import type { FullInfoWithCheck } from '../../../domain/schemas.ts'
import type { Status } from '../../../domain/statuses.ts'
import {
  actionRow,
  anyRight,
  claimNow,
  enqueue,
  expireLease,
  getFullInfo,
  insertDeployment,
  isRefusal,
  leaseMs,
  readWholeInfo,
  repeat,
  scriptResult,
  startAction,
  statusOf,
  testActor,
  useTestDatabase,
} from '../fixtures.ts'

const db = useTestDatabase()
const begin = async () => ({ arrivedAtMs: Date.now(), notAfterMs: Date.now() + 60_000 })

const withTag = (tag: string): Partial<ActionRequest> => ({
  overrides: { application: [valueAdded('tag', tag)], deployment: [] },
})
const wait = (kind: ActionKind, name: string, more: Partial<ActionRequest> = {}) =>
  enqueue(db, kind, name, { whenBusy: 'wait', ...more })
const infoOf = async (name: string): Promise<FullInfoWithCheck> =>
  JSON.parse(await getFullInfo(db.pool, name))
const stateOf = async (actionId: number) => (await actionRow(db, actionId)).state
const tagOf = async (name: string) => (await infoOf(name)).deployment.app_overrides[0]?.[1]

/** Ends the wait for the check with this status. */
async function check(name: string, status: Status) {
  await db.raw(`update deployment_checks c set next_check_at = now() - interval '1 hour', lease_expires_at = null
    from deployments d where d.id = c.deployment_id and d.name = '${name}'`)
  const due = (await claimChecks(db.pool, 1000, leaseMs)).find((one) => one.name === name)
  assert.ok(due, `the check of ${name} is due`)
  const result = { ...due, exitCode: 0, failure: null, nextCheckInMs: 60_000 }
  const change = await saveCheckResultAndStatus(db.pool, result, status)
  assert.ok(change)
  return change
}

/** A running update and a waiting one, with the config of its tag. */
async function waitBehindUpdate(kind: ActionKind = 'update') {
  const name = await insertDeployment(db)
  const running = await startAction(db, 'update', name)
  const { actionId, change } = await wait(kind, name, kind === 'update' ? withTag('v2') : {})
  assert.ok(change)
  return { name, running, actionId }
}

suite('acceptance', () => {
  test('While an action runs, a request that may wait is accepted as waiting', async () => {
    const { name, running, actionId } = await waitBehindUpdate()
    const info = await infoOf(name)
    assert.equal(info.last_action?.action_id, running.actionId)
    assert.equal(info.waiting_action?.action_id, actionId)
    assert.deepEqual(info.deployment.app_overrides, [], 'the config is that of the running action')
    assert.equal((await getAction(db.pool, actionId)).state, 'waiting')
    assert.equal(await claim(db.pool, actionId, 'r', leaseMs), null, 'no runner claims it')
  })

  test('A request without the header is refused, as in Octopod 1.6', async () => {
    const { name } = await waitBehindUpdate()
    await assert.rejects(enqueue(db, 'update', name), isRefusal('busy'))
  })

  test('A newer one takes its place', async () => {
    const { name, actionId } = await waitBehindUpdate()
    const newer = await wait('update', name, withTag('v3'))
    const { state, error } = await getAction(db.pool, actionId)
    assert.deepEqual([state, error], ['superseded', `Replaced by action ${newer.actionId} of ${name}.`])
    assert.equal((await infoOf(name)).waiting_action?.action_id, newer.actionId)
  })

  test('Of twenty requests at once one is left waiting', async () => {
    const { name } = await waitBehindUpdate()
    await Promise.all(repeat(20, () => wait('update', name)))
    const rows = await db.raw(
      `select state, count(*)::int from actions a join deployments d on d.id = deployment_id
       where name = $1 and kind = 'update' and state in ('waiting', 'superseded') group by 1 order by 1`,
      [name],
    )
    assert.deepEqual(rows, [
      { state: 'superseded', count: 20 },
      { state: 'waiting', count: 1 },
    ])
  })

  test('While the deployment waits for its health check, it waits for that', async () => {
    const name = await insertDeployment(db, 'UpdatePending')
    const { actionId } = await wait('update', name)
    assert.equal(await stateOf(actionId), 'waiting')
  })

  test('On an idle deployment it is queued at once', async () => {
    const name = await insertDeployment(db)
    const { actionId } = await wait('update', name)
    assert.equal(await stateOf(actionId), 'queued')
  })

  test('Behind an action after which it could not start it is refused', async () => {
    const archiving = await insertDeployment(db)
    await startAction(db, 'archive', archiving)
    await assert.rejects(wait('update', archiving), isRefusal('invalid_transition', /ArchivePending/))
    await assert.rejects(wait('archive', archiving), isRefusal('busy'))
    assert.equal(await stateOf((await wait('restore', archiving)).actionId), 'waiting')

    const cleaning = await insertDeployment(db, 'Archived')
    await startAction(db, 'cleanup', cleaning)
    await assert.rejects(wait('restore', cleaning), isRefusal('busy'))
  })

  test('The config must be the one that the client has read', async () => {
    const name = await insertDeployment(db)
    await startAction(db, 'update', name)
    const { revision } = await infoOf(name)
    await db.raw(`update deployments set app_overrides = '[["a",{"tag":"ValueDeleted"}]]' where name = $1`, [
      name,
    ])
    await assert.rejects(wait('update', name, { revision }), isRefusal('precondition_failed'))
  })

  test('The same key gives the same action, also after it was superseded', async () => {
    const { name } = await waitBehindUpdate()
    const key = { key: 'waiting-key', fingerprint: 'f' }
    const first = await wait('update', name, { key })
    await wait('update', name)
    assert.deepEqual(await wait('update', name, { key }), { actionId: first.actionId, change: null })
    assert.equal(await stateOf(first.actionId), 'superseded')
  })
})

suite('the start', () => {
  test('It starts with the check that passes after the running action, with its own config', async () => {
    const { name, running, actionId } = await waitBehindUpdate()
    await finish(db.pool, running, scriptResult(0))
    assert.equal(await stateOf(actionId), 'waiting', 'the health check has not passed')
    const change = await check(name, 'Running')
    assert.equal(queuedActionOf(change), actionId, 'the runner of the check learns of it')
    assert.equal(await statusOf(db, name), 'UpdatePending')
    assert.deepEqual(await tagOf(name), { tag: 'ValueAdded', contents: 'v2' })
    const claimed = await claimNow(db, actionId)
    await start(db.pool, claimed, null)
    await finish(db.pool, claimed, scriptResult(0))
  })

  test('It starts in the transaction in which the running action fails', async () => {
    const { running, actionId } = await waitBehindUpdate()
    assert.equal(queuedActionOf(await finish(db.pool, running, scriptResult(1))), actionId)
    assert.equal(await stateOf(actionId), 'queued')
  })

  test('It starts when the wait for the check is ended', async () => {
    const { name, running, actionId } = await waitBehindUpdate()
    await finish(db.pool, running, scriptResult(0))
    const change = await stopWaiting(db.pool, name, testActor, anyRight, undefined, begin)
    assert.ok(change)
    assert.equal(queuedActionOf(change), actionId)
  })

  test('It starts when a queued action before it is cancelled, whose config is taken back', async () => {
    const name = await insertDeployment(db)
    const { actionId: queued } = await enqueue(db, 'update', name, withTag('v1'))
    const { actionId } = await wait('update', name, withTag('v2'))
    const { change } = await requestCancel(db.pool, queued, testActor, anyRight)
    assert.ok(change)
    assert.equal(queuedActionOf(change), actionId)
    // And when it is cancelled itself, nothing is left of both.
    await requestCancel(db.pool, actionId, testActor, anyRight)
    assert.deepEqual([await tagOf(name), await statusOf(db, name)], [undefined, 'Running'])
  })

  test('It starts when the runner of the action before it was lost, instead of a retry', async () => {
    const { running, actionId } = await waitBehindUpdate()
    await expireLease(db, running.actionId)
    const expired = await endExpiredAction(db.pool, true)
    assert.deepEqual([expired?.actionId, expired?.retryActionId], [running.actionId, null])
    assert.equal(await stateOf(actionId), 'queued')
  })

  test('A restore that waits for the archive check keeps the config of the deployment', async () => {
    const name = await insertDeployment(db)
    const archive = await startAction(db, 'archive', name)
    const { actionId } = await wait('restore', name)
    await db.raw(`update deployments set app_overrides = '[["a",{"tag":"ValueDeleted"}]]' where name = $1`, [
      name,
    ])
    await finish(db.pool, archive, scriptResult(0))
    await check(name, 'Archived')
    const row = await actionRow(db, actionId)
    assert.deepEqual([row.state, row.app_overrides], ['queued', [['a', { tag: 'ValueDeleted' }]]])
    assert.equal(row.config_checked, false, 'another config than the one that was checked')
    assert.equal(await statusOf(db, name), 'CreatePending')
  })

  test('It does not start for another owner, and says so', async () => {
    const name = await insertDeployment(db)
    const running = await startAction(db, 'update', name)
    const { actionId } = await wait('update', name, { scope: 'own_or_unowned' })
    await db.raw(
      `update deployments set owner_issuer = 'i', owner_subject = 's', owner_name = 'Ben' where name = $1`,
      [name],
    )
    await finish(db.pool, running, scriptResult(1))
    const { state, error } = await getAction(db.pool, actionId)
    assert.deepEqual([state, error], ['cancelled', `It did not start: ${name} has another owner now.`])
    assert.equal(await statusOf(db, name), 'GenericFailure')
  })

  test('It ends with the reason when the deployment is archived instead', async () => {
    const name = await insertDeployment(db)
    await startAction(db, 'update', name)
    const { actionId } = await wait('update', name)
    await db.raw(
      `update actions set state = 'cancelled', finished_at = now(), lease_expires_at = null, writer_token = fencing_token
       where state = 'running' and deployment_id = (select id from deployments where name = $1)`,
      [name],
    )
    await db.raw(`update deployments set status = 'Archived' where name = $1`, [name])
    const { state, error } = await getAction(db.pool, actionId)
    assert.deepEqual([state, error], ['cancelled', `It did not start: ${name} is Archived now.`])
  })

  test('The sweep starts a waiting action that the trigger has missed', async () => {
    const { name, running, actionId } = await waitBehindUpdate()
    await finish(db.pool, running, scriptResult(0))
    await db.raw(
      `set session_replication_role = replica; update deployments set status = 'Running' where name = '${name}'; set session_replication_role = origin`,
    )
    assert.equal(await stateOf(actionId), 'waiting')
    const changes = await startOverdueWaitingActions(db.pool)
    assert.deepEqual(changes.map(queuedActionOf), [actionId])
    assert.deepEqual(await startOverdueWaitingActions(db.pool), [])
  })

  test('Each transaction counts as one change, however much it starts', async () => {
    const { name, running } = await waitBehindUpdate()
    const before = await getListVersion(db.pool)
    await finish(db.pool, running, scriptResult(1))
    await requestCancel(db.pool, (await infoOf(name)).last_action?.action_id ?? 0, testActor, anyRight)
    assert.equal(await getListVersion(db.pool), before + 2)
  })

  test('The notifications script learns of both statuses, and why the action before failed', async () => {
    const { name, running } = await waitBehindUpdate()
    await db.raw('delete from status_changes where deployment = $1', [name])
    await finish(db.pool, running, scriptResult(1), {
      what: 'script',
      script: 'update',
      message: 'No such image.',
      hint: null,
      output: null,
    })
    const rows = await db.raw(
      `select old_status, new_status, failure ->> 'message' as message from status_changes where deployment = $1 order by id`,
      [name],
    )
    assert.deepEqual(
      rows.map(({ old_status, new_status }) => [old_status, new_status]),
      [
        ['UpdatePending', 'GenericFailure'],
        ['GenericFailure', 'UpdatePending'],
      ],
    )
    assert.equal(rows[0].message, 'No such image.')
  })
})

suite('the end', () => {
  test('A cancel ends it at once and leaves the running action alone', async () => {
    const { name, running, actionId } = await waitBehindUpdate()
    const { change } = await requestCancel(db.pool, actionId, testActor, anyRight)
    assert.ok(change)
    const { state, error, cancelled_by } = await getAction(db.pool, actionId)
    assert.deepEqual([state, error, cancelled_by], ['cancelled', 'Cancelled while it waited.', 'ann'])
    const info = await infoOf(name)
    assert.deepEqual([info.last_action?.action_id, info.waiting_action], [running.actionId, null])
    assert.equal((await requestCancel(db.pool, actionId, testActor, anyRight)).change, null)
  })

  test('A superseded action cannot be cancelled', async () => {
    const { name, actionId } = await waitBehindUpdate()
    await wait('update', name)
    await assert.rejects(
      requestCancel(db.pool, actionId, testActor, anyRight),
      isRefusal('action_finished', /superseded/),
    )
  })

  test('It disappears with its deployment', async () => {
    const name = await insertDeployment(db, 'UpdatePending')
    const { actionId } = await wait('update', name)
    await deleteDeployment(db.pool, name, testActor, undefined)
    assert.equal(await stateOf(actionId), 'cancelled')
    await assert.rejects(getAction(db.pool, actionId), isRefusal('no_such_action'))
  })

  test('Clients of Octopod 1.6 see no action that never left its wait', async () => {
    const { name, running, actionId } = await waitBehindUpdate()
    const newer = await wait('update', name)
    await requestCancel(db.pool, newer.actionId, testActor, anyRight)
    await finish(db.pool, running, scriptResult(0))
    const ids = (await readWholeInfo(db.pool, name)).logs.map(({ action_id }) => action_id)
    assert.equal(ids[0], running.actionId)
    assert.ok(!ids.includes(actionId) && !ids.includes(newer.actionId))
    assert.equal((await infoOf(name)).last_action?.action_id, running.actionId)
  })

  test('An action that waits has no way to run or to come back', async () => {
    const { actionId, running } = await waitBehindUpdate()
    for (const [id, state] of [
      [actionId, 'running'],
      [actionId, 'succeeded'],
      [running.actionId, 'waiting'],
      [running.actionId, 'superseded'],
    ] as const)
      await assert.rejects(
        db.raw(
          `update actions set state = $2, writer_token = fencing_token, started_at = now(),
             finished_at = case when $2 in ('succeeded', 'superseded') then now() end, wait_conditions = '{}'
           where id = $1`,
          [id, state],
        ),
        { code: 'OC001' },
      )
  })

  test('The audit log says what waited, what replaced it and what started', async () => {
    const { name, running, actionId } = await waitBehindUpdate()
    const newer = await wait('update', name)
    await finish(db.pool, running, scriptResult(1))
    const entries = await db.raw(
      `select operation, action_id, actor, details from audit_entries where deployment = $1 and action_id > $2 order by id`,
      [name, running.actionId],
    )
    assert.deepEqual(
      entries.map(({ operation, action_id, actor }) => [operation, Number(action_id), actor]),
      [
        ['update', actionId, 'ann'],
        ['end_waiting', actionId, 'ann'],
        ['update', newer.actionId, 'ann'],
        ['start_waiting', newer.actionId, 'octopod'],
      ],
    )
    assert.equal(entries[0].details.waits_behind_action_id, running.actionId)
    assert.equal(entries[2].details.superseded_action_id, actionId)
  })
})
