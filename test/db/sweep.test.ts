/** What runners find by themselves: waiting and lost actions, expired archives, status changes to be told. */
import assert from 'node:assert/strict'
import { beforeEach, suite, test } from 'node:test'
import { appendOutput, getWholeOutput } from '../../db/actions.ts'
import { requestCancel } from '../../db/cancel.ts'
import { endOneLost, findExpired, findWaiting, takeStatusChanges } from '../../db/sweep.ts'
import {
  actionRow,
  ask,
  deployment,
  ground,
  loseLease,
  newName,
  perform,
  running,
  statusOf,
  take,
  times,
} from './ground.ts'

const here = ground(10)
beforeEach(() => here.raw('truncate deployments, actions, action_output, status_changes'))

suite('waiting actions', () => {
  test('are found oldest first, once they are old enough, at most as many as asked for', async () => {
    const ids: number[] = []
    for (const name of times(4, newName)) ids.push((await ask(here, 'create', name)).actionId)
    assert.deepEqual(await findWaiting(here.pool, 0, 3), ids.slice(0, 3))
    assert.deepEqual(await findWaiting(here.pool, 60_000, 3), [])
  })

  test('that are held, started, ended or being cancelled are none; one whose holder was lost is', async () => {
    const held = await take(here, (await ask(here, 'create', newName())).actionId)
    await running(here, 'create', newName())
    await perform(here, 'create', newName())
    const unwanted = await take(here, (await ask(here, 'create', newName())).actionId)
    await requestCancel(here.pool, unwanted.actionId, 'ann')
    await loseLease(here, unwanted.actionId)
    assert.deepEqual(await findWaiting(here.pool, 0, 10), [])
    await loseLease(here, held.actionId)
    assert.deepEqual(await findWaiting(here.pool, 0, 10), [held.actionId])
  })
})

suite('lost actions', () => {
  test('that lose every runner before the start are not tried for ever', async () => {
    const { actionId } = await ask(here, 'create', newName())
    for (const _ of times(5, newName)) {
      assert.equal(await endOneLost(here.pool, true), null)
      await take(here, actionId)
      await loseLease(here, actionId)
    }
    assert.deepEqual(await findWaiting(here.pool, 0, 10), [])
    assert.equal((await endOneLost(here.pool, true))?.retriedAs, null)
    const row = await actionRow(here, actionId)
    assert.deepEqual([row.state, row.started_at], ['interrupted', null])
  })

  test('end as interrupted, with their output so far and the name of the runner', async () => {
    const name = newName()
    const held = await running(here, 'create', name)
    await appendOutput(here.pool, held, [{ seq: 1, stream: 'stdout', text: 'so far' }])
    assert.equal(await endOneLost(here.pool, false), null, 'not while it is held')
    await loseLease(here, held.actionId)
    const lost = await endOneLost(here.pool, false)
    assert.deepEqual(
      [lost?.actionId, lost?.name, lost?.runner, lost?.retriedAs],
      [held.actionId, name, 'runner', null],
    )
    const row = await actionRow(here, held.actionId)
    assert.deepEqual(
      [row.state, row.error],
      ['interrupted', 'Its runner runner was lost or had to give it up.'],
    )
    assert.equal((await getWholeOutput(here.pool, held.actionId)).stdout, 'so far')
    assert.equal(await statusOf(here, name), 'GenericFailure')
    assert.equal(await endOneLost(here.pool, false), null)
  })

  test('that had not started are left to be claimed again', async () => {
    const held = await take(here, (await ask(here, 'create', newName())).actionId)
    await loseLease(here, held.actionId)
    assert.equal(await endOneLost(here.pool, true), null)
  })

  test('that had not started but were to be cancelled are cancelled', async () => {
    const held = await take(here, (await ask(here, 'create', newName())).actionId)
    await requestCancel(here.pool, held.actionId, 'ann')
    await loseLease(here, held.actionId)
    assert.equal((await endOneLost(here.pool, true))?.retriedAs, null)
    assert.equal((await actionRow(here, held.actionId)).state, 'cancelled')
  })

  test('are followed by a visible second attempt where that is allowed, three at most', async () => {
    const name = newName()
    let held = await running(here, 'create', name)
    for (const attempt of [2, 3]) {
      await loseLease(here, held.actionId)
      const lost = await endOneLost(here.pool, true)
      assert.ok(lost?.retriedAs)
      assert.ok(lost.change.type === 'deployment')
      assert.equal(lost.change.deployment.status.tag, 'DeploymentPending')
      const row = await actionRow(here, lost.retriedAs)
      assert.deepEqual(
        [row.kind, row.state, row.attempt, row.actor, row.config_checked],
        ['create', 'queued', attempt, 'ann', true],
      )
      assert.match(row.reason, new RegExp(`Retry of action ${held.actionId}`))
      assert.equal(await statusOf(here, name), 'CreatePending')
      held = await running2(lost.retriedAs)
    }
    await loseLease(here, held.actionId)
    assert.equal((await endOneLost(here.pool, true))?.retriedAs, null)
    assert.equal(await statusOf(here, name), 'GenericFailure')
  })

  const running2 = async (actionId: number) => {
    const held = await take(here, actionId)
    await here.raw(
      `update actions set state = 'running', started_at = now(), hand = lease_epoch where id = $1`,
      [actionId],
    )
    return held
  }

  test('that were to be cancelled are not tried again', async () => {
    const held = await running(here, 'create', newName())
    await requestCancel(here.pool, held.actionId, 'ann')
    await loseLease(here, held.actionId)
    assert.equal((await endOneLost(here.pool, true))?.retriedAs, null)
  })

  test('are ended once each by many sweeps at once', async () => {
    const ids: number[] = []
    for (const name of times(8, newName)) ids.push((await running(here, 'create', name)).actionId)
    for (const id of ids) await loseLease(here, id)
    const found: number[] = []
    await Promise.all(
      times(5, async () => {
        for (let lost = await endOneLost(here.pool, true); lost; lost = await endOneLost(here.pool, true))
          found.push(lost.actionId)
      }),
    )
    assert.deepEqual(
      found.sort((a, b) => a - b),
      ids,
    )
    assert.equal((await findWaiting(here.pool, 0, 100)).length, 8)
  })
})

suite('expired archives', () => {
  test('are found oldest first when their time is over, and not while something is done to them', async () => {
    const age = (name: string, days: number) =>
      here.raw(`update deployments set archived_at = now() - make_interval(days => $2) where name = $1`, [
        name,
        days,
      ])
    const [young, old, older, busy, failed] = [
      await deployment(here, 'Archived'),
      await deployment(here, 'Archived'),
      await deployment(here, 'Archived'),
      await deployment(here, 'Archived'),
      await deployment(here, 'CleanupFailed'),
    ]
    await ask(here, 'cleanup', busy)
    await age(old, 15)
    await age(older, 20)
    await age(busy, 30)
    await age(failed, 30)
    const twoWeeks = 14 * 86_400_000
    assert.deepEqual(await findExpired(here.pool, twoWeeks, 10), [older, old])
    assert.deepEqual(await findExpired(here.pool, twoWeeks, 1), [older])
    assert.ok((await findExpired(here.pool, 0, 10)).includes(young))
  })
})

suite('status changes', () => {
  test('are kept by the schema for whatever moves a deployment, and taken in order, each once', async () => {
    const name = newName()
    await perform(here, 'create', name)
    await here.raw(`update deployments set status = 'Running' where name = $1`, [name])
    await here.raw(`update deployments set status = 'Running' where name = $1`, [name])
    await perform(here, 'update', name, 1)
    const changes = await takeStatusChanges(here.pool, 10)
    assert.deepEqual(
      changes.map((change) => [change.deployment, change.old_status, change.new_status]),
      [
        [name, 'CreatePending', 'Running'],
        [name, 'Running', 'UpdatePending'],
        [name, 'UpdatePending', 'GenericFailure'],
      ],
    )
    assert.deepEqual(await takeStatusChanges(here.pool, 10), [])
  })

  test('are taken at most as many as asked for, shared among many without a double', async () => {
    await here.raw(`insert into status_changes (deployment, old_status, new_status)
      select 'd' || n, 'Running', 'Archived' from generate_series(1, 60) n`)
    const taken = await Promise.all(times(10, () => takeStatusChanges(here.pool, 4)))
    for (const some of taken) assert.ok(some.length <= 4, `${some.length} taken`)
    const names = taken.flat().map((change) => change.deployment)
    assert.equal(new Set(names).size, names.length)
    for (let some = [...names]; some.length > 0; ) {
      some = (await takeStatusChanges(here.pool, 7)).map((change) => change.deployment)
      assert.ok(some.length <= 7)
      names.push(...some)
    }
    assert.equal(new Set(names).size, 60)
    assert.equal(names.length, 60)
  })
})
