/** Claim, renew, start, finish; and the fence: what the schema refuses whatever the code believes. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { appendOutput, getAction } from '../../db/actions.ts'
import { requestCancel } from '../../db/cancel.ts'
import { getFullInfo } from '../../db/deployments.ts'
import { isStaleWrite, StaleLease } from '../../db/errors.ts'
import { endOneLost } from '../../db/sweep.ts'
import { claim, finish, renew, start } from '../../db/transition.ts'
import { added } from '../../domain/overrides.ts'
import {
  actionRow,
  ask,
  deployment,
  ended,
  ground,
  leaseMs,
  loseLease,
  newName,
  outcomes,
  perform,
  running,
  statusOf,
  take,
  times,
} from './ground.ts'

const here = ground(20)
const chunk = (seq: number, text = 'x') => ({ seq, stream: 'stdout' as const, text })

suite('claim', () => {
  test('gives everything the script needs, and the first epoch', async () => {
    const name = newName()
    const overrides = { app: [added('a', '1')], deployment: [added('b', '2')] }
    const { actionId } = await ask(here, 'create', name, { overrides, configChecked: false })
    const held = await take(here, actionId)
    assert.deepEqual(
      { ...held, deploymentId: 0 },
      {
        actionId,
        epoch: 1,
        attempt: 1,
        kind: 'create',
        deploymentId: 0,
        name,
        appOverrides: overrides.app,
        deploymentOverrides: overrides.deployment,
        configChecked: false,
      },
    )
  })

  test('succeeds for one of fifty at once', async () => {
    const { actionId } = await ask(here, 'create', newName())
    const claims = await Promise.all(times(50, (at) => claim(here.pool, actionId, `r${at}`, leaseMs)))
    assert.equal(claims.filter((one) => one !== null).length, 1)
  })

  test('gives null for what is held, started, ended or not there, and changes nothing', async () => {
    const queued = (await ask(here, 'create', newName())).actionId
    await take(here, queued)
    const started = (await running(here, 'create', newName())).actionId
    const over = (await perform(here, 'create', newName())).actionId
    await loseLease(here, started)
    for (const actionId of [queued, started, over, 999_999]) {
      const before = await actionRow(here, actionId)
      assert.equal(await claim(here.pool, actionId, 'another', leaseMs), null)
      assert.deepEqual(await actionRow(here, actionId), before)
    }
  })

  test('of one whose holder was lost before the start succeeds, with the next epoch', async () => {
    const { actionId } = await ask(here, 'create', newName())
    const first = await take(here, actionId)
    await loseLease(here, actionId)
    const second = await take(here, actionId)
    assert.equal(second.epoch, first.epoch + 1)
    await assert.rejects(renew(here.pool, first, leaseMs), StaleLease)
    await assert.rejects(start(here.pool, first, null), StaleLease)
    await assert.rejects(finish(here.pool, first, ended(0)), StaleLease)
    await assert.rejects(appendOutput(here.pool, first, [chunk(1)]), isStaleWrite)
    await start(here.pool, second, null)
  })

  test('is no visible change', async () => {
    const name = newName()
    const { actionId } = await ask(here, 'create', name)
    const before = await getFullInfo(here.pool, name)
    await renew(here.pool, await take(here, actionId), leaseMs)
    assert.equal(await getFullInfo(here.pool, name), before)
  })
})

suite('renew', () => {
  test('keeps the action for longer; too late is too late', async () => {
    const { actionId } = await ask(here, 'create', newName())
    const held = await take(here, actionId, 1000)
    await renew(here.pool, held, leaseMs)
    const { lease_expires_at } = await actionRow(here, actionId)
    assert.ok(lease_expires_at.getTime() > Date.now() + leaseMs - 5000)
    await loseLease(here, actionId)
    await assert.rejects(renew(here.pool, held, leaseMs), StaleLease)
  })
})

suite('start', () => {
  test('commits the time and the links before there is a script', async () => {
    const name = newName()
    const held = await take(here, (await ask(here, 'create', name)).actionId)
    const links = [{ name: 'app', link: 'https://a.b' }]
    const change = await start(here.pool, held, links)
    assert.ok(change.type === 'deployment')
    assert.deepEqual(change.deployment.metadata, links)
    assert.equal(change.deployment.last_action?.state, 'running')
    assert.ok(change.deployment.last_action?.started_at)
    await finish(here.pool, held, ended(0))
    const update = await take(here, (await raised(name)).actionId)
    const kept = await start(here.pool, update, null)
    assert.ok(kept.type === 'deployment')
    assert.deepEqual(kept.deployment.metadata, links, 'null keeps those there are')
  })

  test('asked for again, because the answer was lost, is the same start; after the end it is refused', async () => {
    const name = newName()
    const held = await take(here, (await ask(here, 'create', name)).actionId)
    const links = [{ name: 'app', link: 'https://a.b' }]
    const first = await start(here.pool, held, links)
    assert.deepEqual(await start(here.pool, held, links), first)
    await assert.rejects(start(here.pool, { ...held, epoch: held.epoch + 1 }, links), StaleLease)
    await finish(here.pool, held, ended(0))
    await assert.rejects(start(here.pool, held, links), StaleLease)
  })

  test('of what is to be cancelled is refused, and it ends as if it had never begun', async () => {
    const name = await deployment(here)
    const held = await take(here, (await ask(here, 'update', name)).actionId)
    assert.equal((await requestCancel(here.pool, held.actionId, 'carl')).held, true)
    await assert.rejects(start(here.pool, held, null), StaleLease)
    assert.deepEqual(await renew(here.pool, held, leaseMs), { cancel: true })
    await finish(here.pool, held, ended(null, { cancelled: true }))
    assert.equal(await statusOf(here, name), 'Running')
  })

  test('after the lease has run out is refused', async () => {
    const late = await take(here, (await ask(here, 'create', newName())).actionId)
    await loseLease(here, late.actionId)
    await assert.rejects(start(here.pool, late, null), StaleLease)
  })
})

async function raised(name: string) {
  await here.raw(`update deployments set status = 'Running' where name = $1`, [name])
  return ask(here, 'update', name)
}

suite('finish', () => {
  test('keeps how the script ended, and has the deployment checked at once', async () => {
    const name = newName()
    const held = await running(here, 'create', name)
    await here.raw(`update deployments set next_check_at = now() + interval '1 hour' where name = $1`, [name])
    const change = await finish(
      here.pool,
      held,
      ended(null, { timedOut: true, signal: 'SIGKILL', truncated: true, problem: 'too slow' }),
    )
    assert.ok(change.type === 'deployment')
    const action = await getAction(here.pool, held.actionId)
    assert.deepEqual(
      [action.state, action.exit_code, action.signal, action.truncated, action.error],
      ['timed_out', null, 'SIGKILL', true, 'too slow'],
    )
    assert.ok(action.finished_at)
    assert.equal(await statusOf(here, name), 'GenericFailure')
    const [row] = await here.raw('select next_check_at <= now() as due from deployments where name = $1', [
      name,
    ])
    assert.equal(row.due, true)
  })

  test('a second time is refused and changes nothing', async () => {
    const name = newName()
    const held = await perform(here, 'create', name)
    await assert.rejects(finish(here.pool, held, ended(1)), StaleLease)
    assert.equal((await actionRow(here, held.actionId)).exit_code, 0)
    assert.equal(await statusOf(here, name), 'CreatePending')
  })

  test('of a clean-up forgets the deployment, its actions and their output', async () => {
    const name = await deployment(here, 'Archived')
    const held = await running(here, 'cleanup', name)
    await appendOutput(here.pool, held, [chunk(1), chunk(2)])
    const change = await finish(here.pool, held, ended(0))
    assert.deepEqual({ ...change, revision: 0 }, { type: 'deleted', name, revision: 0 })
    assert.equal(await statusOf(here, name), 'gone')
    assert.deepEqual(await here.raw('select from actions where deployment_id = $1', [held.deploymentId]), [])
    assert.deepEqual(await here.raw('select from action_output where action_id = $1', [held.actionId]), [])
  })

  test('against the sweep for lost ones: exactly one wins', async () => {
    while (await endOneLost(here.pool, false));
    for (const _ of times(25, newName)) {
      const name = newName()
      const held = await running(here, 'create', name)
      await loseLease(here, held.actionId)
      const { won, lost } = await outcomes<unknown>([
        endOneLost(here.pool, false),
        finish(here.pool, held, ended(0)),
      ])
      const { state } = await actionRow(here, held.actionId)
      if (lost.length > 0) {
        assert.ok(isStaleWrite(lost[0]))
        assert.equal(state, 'interrupted')
        assert.equal(await statusOf(here, name), 'GenericFailure')
      } else {
        assert.ok(won.includes(null), 'the sweep has found nothing')
        assert.equal(state, 'succeeded')
        assert.equal(await statusOf(here, name), 'CreatePending')
      }
    }
  })

  test('forgets a history of much output in statements that each take little', async () => {
    const held = await running(here, 'cleanup', await deployment(here, 'Archived'))
    await here.raw(
      `insert into action_output (action_id, seq, stream, text, lease_epoch)
       select $1, n, 'stdout', 'x', $2 from generate_series(1, 2500) n`,
      [held.actionId, held.epoch],
    )
    await here.raw('create table statements (deleted int)')
    await here.raw(`create function note() returns trigger language plpgsql as
      'begin insert into statements select count(*) from gone; return null; end'`)
    await here.raw(`create trigger note after delete on action_output
      referencing old table as gone for each statement execute function note()`)
    await finish(here.pool, held, ended(0))
    const [{ total, most }] = await here.raw(
      'select sum(deleted)::int as total, max(deleted) as most from statements',
    )
    assert.equal(total, 2500)
    assert.ok(most <= 1000)
    assert.equal(await statusOf(here, held.name), 'gone')
  })
})

suite('the fence in the schema', () => {
  const stale = (error: unknown) => {
    assert.ok(isStaleWrite(error), String(error))
    return true
  }
  const set = (actionId: number, what: string) =>
    here.raw(`update actions set ${what} where id = $1`, [actionId])
  const write = (actionId: number, epoch: number) =>
    here.raw(
      `insert into action_output (action_id, seq, stream, text, lease_epoch)
       select $1, coalesce(max(seq), 0) + 1, 'stdout', 'x', $2 from action_output where action_id = $1`,
      [actionId, epoch],
    )

  test('refuses output of any epoch but the present one', async () => {
    const held = await running(here, 'create', newName())
    await write(held.actionId, held.epoch)
    await assert.rejects(write(held.actionId, held.epoch - 1), stale)
    await assert.rejects(write(held.actionId, held.epoch + 1), stale)
  })

  test('refuses output of an action that has ended', async () => {
    const held = await perform(here, 'create', newName())
    await assert.rejects(write(held.actionId, held.epoch), stale)
  })

  test('refuses an end told with an old epoch', async () => {
    const { actionId } = await ask(here, 'create', newName())
    const first = await take(here, actionId)
    await loseLease(here, actionId)
    await take(here, actionId)
    const end = `state = 'failed', finished_at = now(), lease_epoch = ${first.epoch}`
    await assert.rejects(set(actionId, end), stale)
  })

  test('refuses to take a lease that is held, and an epoch that shrinks', async () => {
    const held = await running(here, 'create', newName())
    await assert.rejects(set(held.actionId, 'lease_epoch = lease_epoch + 1'), stale)
    await assert.rejects(set(held.actionId, 'lease_epoch = lease_epoch - 1'), stale)
    await loseLease(here, held.actionId)
    await assert.rejects(set(held.actionId, 'lease_epoch = lease_epoch - 1'), stale)
    await set(held.actionId, 'lease_epoch = lease_epoch + 1')
  })

  test('refuses whatever does not say by which epoch it acts, or says another', async () => {
    const { actionId } = await ask(here, 'create', newName())
    const changes = ["state = 'running', started_at = now()", "lease_expires_at = now() + interval '1 hour'"]
    for (const what of changes) await assert.rejects(set(actionId, what), stale, what)
    const held = await take(here, actionId)
    const end = `state = 'failed', finished_at = now(), lease_expires_at = null`
    for (const what of [...changes, end]) {
      await assert.rejects(set(actionId, what), stale, what)
      await assert.rejects(set(actionId, `${what}, hand = ${held.epoch - 1}`), stale, what)
    }
    await renew(here.pool, held, leaseMs)
    await assert.rejects(
      set(actionId, end),
      stale,
      'what the holder has said counts for its own statement only',
    )
    assert.equal((await actionRow(here, actionId)).hand, null)
    await set(actionId, `${end}, hand = ${held.epoch}`)
  })

  test('refuses to delete what has not ended', async () => {
    const held = await running(here, 'create', newName())
    await assert.rejects(here.raw('delete from actions where id = $1', [held.actionId]), stale)
    await finish(here.pool, held, ended(0))
    await here.raw('delete from actions where id = $1', [held.actionId])
  })

  test('an ended action is final in everything: state, exit code, error, epoch', async () => {
    const { actionId } = await perform(here, 'create', newName())
    for (const what of [
      `state = 'failed'`,
      `state = 'running', finished_at = null`,
      'exit_code = 1',
      `error = 'x'`,
      'lease_epoch = lease_epoch + 1',
      'finished_at = now()',
    ])
      await assert.rejects(set(actionId, what), stale, what)
  })

  test('a started action never waits again', async () => {
    const held = await running(here, 'create', newName())
    await assert.rejects(set(held.actionId, `state = 'queued'`), stale)
  })

  test('output that is on its way when the runner is given up counts wholly or not at all', async () => {
    for (const _ of times(15, newName)) {
      const held = await running(here, 'create', newName())
      await loseLease(here, held.actionId)
      const [written, lost] = await Promise.allSettled([
        appendOutput(here.pool, held, [chunk(1), chunk(2)]),
        endOneLost(here.pool, false),
      ])
      const count = (await here.raw('select from action_output where action_id = $1', [held.actionId])).length
      assert.equal(count, written.status === 'fulfilled' ? 2 : 0)
      if (written.status === 'rejected') stale(written.reason)
      if (lost.status === 'fulfilled' && lost.value === null) await endOneLost(here.pool, false)
    }
  })

  test('refuses states, kinds, statuses and streams nobody knows, and an end without a time', async () => {
    const held = await running(here, 'create', newName())
    const ours = `hand = ${held.epoch}`
    await assert.rejects(set(held.actionId, `state = 'lost', finished_at = now(), ${ours}`), /state_known/)
    await assert.rejects(set(held.actionId, `kind = 'delete'`), /kind_known/)
    await assert.rejects(set(held.actionId, `state = 'failed', ${ours}`), /ended_has_time/)
    await assert.rejects(here.raw(`update deployments set status = 'Fine'`), /status_known/)
  })
})
