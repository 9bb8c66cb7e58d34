/** Claim, renew, start and finish of an action, and the stale writes that the schema rejects. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { isStaleWrite, StaleLease } from '../../../db/errors.ts'
import { claim, finish, renew, start } from '../../../db/queries/action-lifecycle.ts'
import { getAction } from '../../../db/queries/actions.ts'
import { requestCancel } from '../../../db/queries/cancel-action.ts'
import { appendOutput } from '../../../db/queries/output.ts'
import { endExpiredAction } from '../../../db/queries/recovery.ts'
import { valueAdded } from '../../../domain/overrides.ts'
import {
  actionRow,
  actorNamed,
  anyRight,
  claimNow,
  enqueue,
  expireLease,
  getFullInfo,
  insertDeployment,
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
import { deleteBehind } from './history/history-fixtures.ts'

const db = useTestDatabase(20)
const chunk = (seq: number, text = 'x') => ({ seq, stream: 'stdout' as const, text })

suite('claim', () => {
  test('A claim returns what the script needs and the first fencing token', async () => {
    const name = newName()
    const overrides = { application: [valueAdded('a', '1')], deployment: [valueAdded('b', '2')] }
    const { actionId } = await enqueue(db, 'create', name, { overrides, configChecked: false })
    const { claimedAtMs, ...claimed } = await claimNow(db, actionId)
    assert.equal(typeof claimedAtMs, 'number')
    assert.deepEqual(
      { ...claimed, deploymentId: 0 },
      {
        actionId,
        fencingToken: 1,
        attempt: 1,
        kind: 'create',
        deploymentId: 0,
        name,
        overrides,
        configChecked: false,
        actor: 'ann',
        source: 'api',
        isBeingChecked: false,
      },
    )
  })

  test('One of fifty concurrent claims succeeds', async () => {
    const { actionId } = await enqueue(db, 'create', newName())
    const claims = await Promise.all(repeat(50, (at) => claim(db.pool, actionId, `r${at}`, leaseMs)))
    assert.equal(claims.filter((one) => one !== null).length, 1)
  })

  test('A claim of a claimed, started, ended or unknown action returns null and changes nothing', async () => {
    const queued = (await enqueue(db, 'create', newName())).actionId
    await claimNow(db, queued)
    const started = (await startAction(db, 'create', newName())).actionId
    const ended = (await runAction(db, 'create', newName())).actionId
    await expireLease(db, started)
    for (const actionId of [queued, started, ended, 999_999]) {
      const before = await actionRow(db, actionId)
      assert.equal(await claim(db.pool, actionId, 'another', leaseMs), null)
      assert.deepEqual(await actionRow(db, actionId), before)
    }
  })

  test('After a lease expired before the start, a claim succeeds with the next fencing token', async () => {
    const { actionId } = await enqueue(db, 'create', newName())
    const first = await claimNow(db, actionId)
    await expireLease(db, actionId)
    const second = await claimNow(db, actionId)
    assert.equal(second.fencingToken, first.fencingToken + 1)
    await assert.rejects(renew(db.pool, first, leaseMs), StaleLease)
    await assert.rejects(start(db.pool, first, null), StaleLease)
    await assert.rejects(finish(db.pool, first, scriptResult(0)), StaleLease)
    await assert.rejects(appendOutput(db.pool, first, [chunk(1)]), isStaleWrite)
    await start(db.pool, second, null)
  })

  test('A claim is not a visible change', async () => {
    const name = newName()
    const { actionId } = await enqueue(db, 'create', name)
    const before = await getFullInfo(db.pool, name)
    await renew(db.pool, await claimNow(db, actionId), leaseMs)
    assert.equal(await getFullInfo(db.pool, name), before)
  })
})

suite('renew', () => {
  test('A renewal extends the lease; an expired lease cannot be renewed', async () => {
    const { actionId } = await enqueue(db, 'create', newName())
    const claimed = await claimNow(db, actionId, 1000)
    await renew(db.pool, claimed, leaseMs)
    const { lease_expires_at } = await actionRow(db, actionId)
    assert.ok(lease_expires_at.getTime() > Date.now() + leaseMs - 5000)
    await expireLease(db, actionId)
    await assert.rejects(renew(db.pool, claimed, leaseMs), StaleLease)
  })
})

suite('start', () => {
  test('A start commits the time and the links before the script runs', async () => {
    const name = newName()
    const claimed = await claimNow(db, (await enqueue(db, 'create', name)).actionId)
    const links = [{ name: 'app', link: 'https://a.b' }]
    const change = await start(db.pool, claimed, links)
    assert.ok(change.type === 'deployment')
    assert.deepEqual(change.deployment.metadata, links)
    assert.equal(change.deployment.last_action?.state, 'running')
    assert.ok(change.deployment.last_action?.started_at)
    await finish(db.pool, claimed, scriptResult(0))
    const update = await claimNow(db, (await enqueueUpdate(name)).actionId)
    const kept = await start(db.pool, update, null)
    assert.ok(kept.type === 'deployment')
    assert.deepEqual(kept.deployment.metadata, links, 'null keeps the stored links')
  })

  test('A repeated start returns the same start, and is rejected after the end', async () => {
    const name = newName()
    const claimed = await claimNow(db, (await enqueue(db, 'create', name)).actionId)
    const links = [{ name: 'app', link: 'https://a.b' }]
    const first = await start(db.pool, claimed, links)
    assert.deepEqual(await start(db.pool, claimed, links), first)
    await assert.rejects(
      start(db.pool, { ...claimed, fencingToken: claimed.fencingToken + 1 }, links),
      StaleLease,
    )
    await finish(db.pool, claimed, scriptResult(0))
    await assert.rejects(start(db.pool, claimed, links), StaleLease)
  })

  test('A start after a cancel request is rejected, and the deployment is restored', async () => {
    const name = await insertDeployment(db)
    const claimed = await claimNow(db, (await enqueue(db, 'update', name)).actionId)
    assert.equal(
      (await requestCancel(db.pool, claimed.actionId, actorNamed('carl'), anyRight)).isClaimed,
      true,
    )
    await assert.rejects(start(db.pool, claimed, null), StaleLease)
    assert.deepEqual(await renew(db.pool, claimed, leaseMs), { cancel: true })
    await finish(db.pool, claimed, scriptResult(null, { cancelled: true }))
    assert.equal(await statusOf(db, name), 'Running')
  })

  test('A start after the lease expired is rejected', async () => {
    const late = await claimNow(db, (await enqueue(db, 'create', newName())).actionId)
    await expireLease(db, late.actionId)
    await assert.rejects(start(db.pool, late, null), StaleLease)
  })
})

/** After a create, whose check has not run yet. */
async function enqueueUpdate(name: string) {
  await db.raw(`update deployments set status = 'Running' where name = $1`, [name])
  return enqueue(db, 'update', name)
}

suite('finish', () => {
  test('A finish stores how the script ended and makes the check due', async () => {
    const name = newName()
    const claimed = await startAction(db, 'create', name)
    await db.raw(`update deployment_checks set next_check_at = now() + interval '1 hour'`)
    const change = await finish(
      db.pool,
      claimed,
      scriptResult(null, { timedOut: true, signal: 'SIGKILL', truncated: true, error: 'too slow' }),
    )
    assert.ok(change.type === 'deployment')
    const action = await getAction(db.pool, claimed.actionId)
    assert.deepEqual(
      [action.state, action.exit_code, action.signal, action.truncated, action.error],
      ['timed_out', null, 'SIGKILL', true, 'too slow'],
    )
    assert.ok(action.finished_at)
    assert.equal(await statusOf(db, name), 'GenericFailure')
    const [row] = await db.raw(
      'select next_check_at <= now() as due from deployment_checks join deployments on id = deployment_id where name = $1',
      [name],
    )
    assert.equal(row.due, true)
  })

  test('A second finish is rejected and changes nothing', async () => {
    const name = newName()
    const claimed = await runAction(db, 'create', name)
    await assert.rejects(finish(db.pool, claimed, scriptResult(1)), StaleLease)
    assert.equal((await actionRow(db, claimed.actionId)).exit_code, 0)
    assert.equal(await statusOf(db, name), 'CreatePending')
  })

  test('A finished cleanup deletes the deployment, its actions and their output', async () => {
    const name = await insertDeployment(db, 'Archived')
    const claimed = await startAction(db, 'cleanup', name)
    await appendOutput(db.pool, claimed, [chunk(1), chunk(2)])
    const change = await finish(db.pool, claimed, scriptResult(0))
    assert.deepEqual({ ...change, revision: 0 }, { type: 'deleted', name, revision: 0 })
    assert.equal(await statusOf(db, name), 'deleted')
    await deleteBehind(db)
    assert.deepEqual(await db.raw('select from actions where deployment_id = $1', [claimed.deploymentId]), [])
    assert.deepEqual(await db.raw('select from action_output where action_id = $1', [claimed.actionId]), [])
  })

  test('Of a finish and a concurrent recovery exactly one succeeds', async () => {
    while (await endExpiredAction(db.pool, false));
    for (const _ of repeat(25, newName)) {
      const name = newName()
      const claimed = await startAction(db, 'create', name)
      await expireLease(db, claimed.actionId)
      const { won, lost } = await settleAll<unknown>([
        endExpiredAction(db.pool, false),
        finish(db.pool, claimed, scriptResult(0)),
      ])
      const { state } = await actionRow(db, claimed.actionId)
      if (lost.length > 0) {
        assert.ok(isStaleWrite(lost[0]))
        assert.equal(state, 'interrupted')
        assert.equal(await statusOf(db, name), 'GenericFailure')
      } else {
        assert.ok(won.includes(null), 'the recovery found nothing')
        assert.equal(state, 'succeeded')
        assert.equal(await statusOf(db, name), 'CreatePending')
      }
    }
  })
})
