/** Status changes become deliveries, which runners claim, send and delete. */
import assert from 'node:assert/strict'
import { beforeEach, suite, test } from 'node:test'
import {
  claimDeliveries,
  deleteDelivery,
  deleteOldDeliveries,
  dropOldestDeliveries,
  failDelivery,
  listFailedDeliveries,
  releaseDelivery,
} from '../../../../db/queries/notifications/deliveries.ts'
import { distributeStatusChanges } from '../../../../db/queries/notifications/status-changes.ts'
import { newName, repeat, runAction, useTestDatabase } from '../../fixtures.ts'

const db = useTestDatabase(10)
beforeEach(() =>
  db.raw(
    'truncate deployments, deployment_checks, actions, action_output, status_changes, deliveries, pauses',
  ),
)

const toScript = async () => () => ['script']
const holdMs = 60_000
const claim = (runner = 'r1', free = 100, inOrder = true, receiver = 'script') =>
  claimDeliveries(db.pool, runner, [{ receiver, free, inOrder }], holdMs)

async function addDeliveries(...deployments: string[]): Promise<void> {
  await db.raw(
    `insert into status_changes (deployment, old_status, new_status)
    select name, 'Running', 'Archived' from unnest($1::text[]) with ordinality as list (name, at) order by at`,
    [deployments],
  )
  await distributeStatusChanges(db.pool, toScript, 1000)
}

suite('status changes', () => {
  test('Every status change is recorded by the schema and distributed once, in order', async () => {
    const name = newName()
    await runAction(db, 'create', name)
    await db.raw(`update deployments set status = 'Running' where name = $1`, [name])
    await db.raw(`update deployments set status = 'Running' where name = $1`, [name])
    await runAction(db, 'update', name, 1)
    assert.equal(await distributeStatusChanges(db.pool, async () => () => ['script', 'webhook:ci'], 10), 3)
    assert.equal(await distributeStatusChanges(db.pool, toScript, 10), 0)
    for (const receiver of ['script', 'webhook:ci']) {
      const sent = await claim('r1', 10, false, receiver)
      assert.deepEqual(
        sent.map(({ event }) => [event.deployment, event.old_status, event.new_status, event.action?.kind]),
        [
          [name, 'CreatePending', 'Running', 'create'],
          [name, 'Running', 'UpdatePending', 'update'],
          [name, 'UpdatePending', 'GenericFailure', 'update'],
        ],
      )
    }
  })

  test('A change says what failed: the action that ended, else the last check, else nothing', async () => {
    const name = newName()
    await runAction(db, 'create', name)
    const lastFailure = async () => {
      await distributeStatusChanges(db.pool, toScript, 10)
      return (await claim('r1', 10, false)).at(-1)?.event.failure ?? null
    }
    await db.raw(`update deployments set status = 'Running' where name = $1`, [name])
    assert.equal(await lastFailure(), null)

    await runAction(db, 'update', name, 7)
    const ofAction = await lastFailure()
    assert.equal(ofAction?.what, 'script')
    assert.equal(ofAction?.exit_code, 7)
    assert.match(ofAction?.message ?? '', /exit code 7/)

    const failure = { what: 'script', script: 'check', message: 'It failed.', hint: null, output: '503' }
    await db.raw(`update deployments set status = 'Running' where name = $1`, [name])
    await db.raw(
      `with changed as (update deployments set status = 'PartialAvailability' where name = $1 returning id)
      update deployment_checks set error = 'It failed.', exit_code = 2, failure = $2
      from changed where deployment_id = changed.id`,
      [name, failure],
    )
    assert.deepEqual(await lastFailure(), { ...failure, exit_code: 2 })
  })

  test('Runners that distribute side by side keep the order, and nothing is distributed twice', async () => {
    await db.raw(`insert into status_changes (deployment, old_status, new_status)
      select 'one', 'Running', 'Archived' from generate_series(1, 60)`)
    const ids = (await db.raw('select event_id from status_changes order by id')).map((row) => row.event_id)
    while ((await db.raw('select from status_changes')).length > 0)
      await Promise.all(repeat(8, () => distributeStatusChanges(db.pool, toScript, 7)))
    const stored = await db.raw('select event_id from deliveries order by id')
    assert.deepEqual(
      stored.map((row) => row.event_id),
      ids,
    )
  })

  test('Many changes with long outputs are distributed to as many receivers as a policy may have', async () => {
    await db.raw(`insert into status_changes (deployment, old_status, new_status, failure)
      select 'd' || n % 7, 'Running', 'GenericFailure', json_build_object('what', 'script', 'script', 'update', 'message', 'x',
        'hint', null, 'exit_code', 1, 'output', (select string_agg(md5(n || '-' || g), '') from generate_series(1, 120) g))
      from generate_series(1, 500) n`)
    const changes = await db.raw('select event_id, deployment from status_changes order by id')
    const receivers = ['script', ...repeat(50, (at) => `webhook:w${at}`)]
    while ((await distributeStatusChanges(db.pool, async () => () => receivers)) > 0);
    assert.deepEqual(await db.raw('select from status_changes'), [])
    for (const receiver of ['script', 'webhook:w49'])
      assert.deepEqual(
        await db.raw('select event_id, deployment from deliveries where receiver = $1 order by id', [
          receiver,
        ]),
        changes,
      )
  })
})

suite('deliveries', () => {
  test('Of a deployment one is sent at a time, in order; others are sent beside it', async () => {
    await addDeliveries('one', 'one', 'two', 'one')
    const [first, other, ...more] = await claim('r1')
    assert.deepEqual([first?.event.deployment, other?.event.deployment, more.length], ['one', 'two', 0])
    assert.deepEqual(await claim('r2'), [])
    await deleteDelivery(db.pool, first?.id ?? 0, 'r1')
    const [second, ...rest] = await claim('r2')
    assert.equal(rest.length, 0)
    assert.ok((second?.id ?? 0) > (first?.id ?? 0))
  })

  test('One whose runner was lost is claimed again, with the same id, and the lost runner changes nothing', async () => {
    await addDeliveries('one', 'one')
    const [lost] = await claim('r1')
    await db.raw(`update deliveries set held_until = now() - interval '1 s' where runner = 'r1'`)
    const [again] = await claim('r2')
    assert.equal(again?.eventId, lost?.eventId)
    assert.equal(again?.attempts, 2)
    await deleteDelivery(db.pool, lost?.id ?? 0, 'r1')
    await failDelivery(db.pool, lost?.id ?? 0, 'r1', 'late', null)
    await releaseDelivery(db.pool, lost?.id ?? 0, 'r1')
    assert.deepEqual(await claim('r3'), [])
    await releaseDelivery(db.pool, again?.id ?? 0, 'r2')
    assert.equal((await claim('r3'))[0]?.eventId, lost?.eventId)
  })

  test('One that was not received waits for its next attempt and holds up no other', async () => {
    await addDeliveries('one', 'one')
    const [first] = await claim('r1', 1, false)
    await failDelivery(db.pool, first?.id ?? 0, 'r1', 'It answered with 502.', 60_000)
    const [second, ...more] = await claim('r1', 10, false)
    assert.equal(more.length, 0)
    assert.notEqual(second?.id, first?.id)
    await db.raw(`update deliveries set next_attempt_at = now() where id = $1`, [first?.id])
    assert.equal((await claim('r1', 10, false))[0]?.attempts, 2)
  })

  test('One with a status of a newer version counts as failed, and the others are sent', async () => {
    await addDeliveries('one', 'one', 'two')
    await db.raw(`update deliveries set event = event || '{"new_status": "Asleep"}'
      where id = (select min(id) from deliveries)`)
    const [other, ...more] = await claim()
    assert.deepEqual([other?.event.deployment, more.length], ['two', 0])
    const [failed] = await listFailedDeliveries(db.pool, 10, null)
    assert.deepEqual(
      [failed?.event.new_status, failed?.last_error],
      ['Asleep', 'This version of Octopod cannot read it.'],
    )
    assert.equal((await claim())[0]?.event.deployment, 'one')
  })

  test('Runners that claim side by side share the deliveries without duplicates, each up to its limit', async () => {
    await addDeliveries(...repeat(60, (at) => `d${at + 1}`))
    const shares = await Promise.all(repeat(10, (at) => claim(`r${at}`, 4)))
    for (const share of shares) assert.ok(share.length <= 4, `${share.length} claimed`)
    const ids = shares.flat().map(({ id }) => id)
    for (let share = ids; share.length > 0; ) {
      share = (await claim('r1', 7)).map(({ id }) => id)
      ids.push(...share)
    }
    assert.equal(new Set(ids).size, 60)
    assert.equal(ids.length, 60)
  })

  test('Beyond a limit the oldest of a receiver are dropped, in batches; old ones are deleted', async () => {
    await addDeliveries(...repeat(60, (at) => `d${at + 1}`))
    await db.raw(`insert into deliveries (event_id, receiver, deployment, event)
      select gen_random_uuid(), 'webhook:ci', 'one', '{}' from generate_series(1, 26)`)
    const dropped: number[] = []
    for (let count = 1; count > 0; dropped.push(count)) count = await dropOldestDeliveries(db.pool, 25, 20)
    assert.deepEqual(dropped, [21, 15, 0])
    const left = await db.raw(`select deployment from deliveries where receiver = 'script' order by id`)
    assert.deepEqual(
      left.map((row) => row.deployment),
      repeat(25, (at) => `d${at + 36}`),
    )
    await db.raw(`update deliveries set created_at = now() - interval '31 days' where receiver = 'script'`)
    await deleteOldDeliveries(db.pool)
    assert.equal((await db.raw('select from deliveries')).length, 25)
  })

  test('During a pause none is claimed, dropped or deleted, and afterwards all that have waited are sent', async () => {
    const pause = (until: string) =>
      db.raw(`insert into pauses (what, paused_until, paused_by, reason) values ('notifications', ${until}, 'ann', 'upgrade')
        on conflict (what) do update set paused_until = excluded.paused_until`)
    await pause('null')
    await addDeliveries(...repeat(30, (at) => `d${at}`))
    assert.deepEqual(await claim(), [])
    assert.equal(await dropOldestDeliveries(db.pool, 5), 0)
    await pause(`now() + interval '1 hour'`)
    assert.deepEqual(await claim(), [])
    assert.equal(await dropOldestDeliveries(db.pool, 5), 0)
    await db.raw(`with earlier as (update pauses set paused_at = now() - interval '32 days')
      update deliveries set created_at = now() - interval '31 days'`)
    await deleteOldDeliveries(db.pool)
    await pause('now()')
    await deleteOldDeliveries(db.pool)
    await addDeliveries(...repeat(30, (at) => `later${at}`))
    assert.equal(await dropOldestDeliveries(db.pool, 5), 25, 'only later ones')
    const sent = await claim()
    assert.deepEqual(
      sent.slice(0, 30).map(({ event }) => event.deployment),
      repeat(30, (at) => `d${at}`),
    )
    assert.equal(sent.length, 35)
  })

  test('A pause keeps only what was created during it: older and failed ones have their limits', async () => {
    await addDeliveries(...repeat(20, (at) => `old${at}`))
    await db.raw(`update deliveries set created_at = now() - interval '90 days'`)
    await addDeliveries(...repeat(20, (at) => `failed${at}`))
    await db.raw(`update deliveries set created_at = now() - interval '8 days', failed_at = now() - interval '7 days'
      where deployment like 'failed%'`)
    await addDeliveries('paused', 'paused')
    await db.raw(`update deliveries set created_at = now() - interval '8 days' where deployment = 'paused'`)
    await db.raw(`insert into pauses (what, paused_at, paused_until, paused_by, reason)
      values ('notifications', now() - interval '9 days', now() - interval '7 days', 'ann', 'upgrade')`)
    const left = async () =>
      (
        await db.raw(`select distinct rtrim(deployment, '0123456789') as name from deliveries order by 1`)
      ).map(({ name }) => name)
    assert.equal(await dropOldestDeliveries(db.pool, 5), 15, 'neither counted nor dropped')
    await deleteOldDeliveries(db.pool)
    assert.deepEqual(await left(), ['failed', 'paused'])
    // Each time a month later.
    const age = () =>
      db.raw(`with older as (update pauses set paused_at = paused_at - interval '29 days', paused_until = paused_until - interval '29 days')
        update deliveries set created_at = created_at - interval '29 days'`)
    await age()
    await deleteOldDeliveries(db.pool)
    assert.deepEqual(await left(), [])
  })

  test('While retention is paused none is dropped', async () => {
    await addDeliveries(...repeat(20, (at) => `d${at}`))
    await db.raw(`insert into pauses (what, paused_by, reason) values ('retention', 'ann', 'restore')`)
    assert.equal(await dropOldestDeliveries(db.pool, 5), 0)
    await db.raw('truncate pauses')
    assert.equal(await dropOldestDeliveries(db.pool, 5), 15)
  })

  test('One that is being sent is not dropped: the next one of its deployment would be sent beside it', async () => {
    await addDeliveries('one', 'one', 'one', 'one')
    const [sending] = await claim('r1')
    assert.equal(await dropOldestDeliveries(db.pool, 1), 2)
    await db.raw(`update deliveries set created_at = now() - interval '31 days'`)
    await deleteOldDeliveries(db.pool)
    assert.deepEqual(
      (await db.raw('select id from deliveries')).map(({ id }) => Number(id)),
      [sending?.id],
    )
    await addDeliveries('one')
    assert.deepEqual(await claim('r2'), [])
  })

  test('Of those that have failed the newest are kept, up to a limit', async () => {
    await addDeliveries(...repeat(6, (at) => `d${at + 1}`))
    await db.raw(`update deliveries set failed_at = now() - id * interval '1 s' where deployment <> 'd6'`)
    await deleteOldDeliveries(db.pool, 2)
    const left = await db.raw('select deployment from deliveries order by deployment')
    assert.deepEqual(
      left.map((row) => row.deployment),
      ['d1', 'd2', 'd6'],
    )
  })
})
