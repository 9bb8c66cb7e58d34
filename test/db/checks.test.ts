/** Checks: shared among runners, kept only where they still mean something. */
import assert from 'node:assert/strict'
import { beforeEach, suite, test } from 'node:test'
import { claimChecks, type DueCheck, holdChecks, keepCheck, keepCheckAndMove } from '../../db/checks.ts'
import { getFullInfo } from '../../db/deployments.ts'
import { openPool } from '../../db/pool.ts'
import { type Status, statuses } from '../../domain/status.ts'
import { ask, deployment, ground, meanwhile, newName, perform, statusOf, times } from './ground.ts'

const here = ground(10)
beforeEach(() => here.raw('truncate deployments, actions, action_output, status_changes'))

const due = () => here.raw('update deployments set next_check_at = now()')
const many = (count: number) =>
  here.raw(
    `insert into deployments (name, status, app_overrides, deployment_overrides, links, next_check_at)
     select 'd' || n, 'Running', '[]', '[]', '[]', now() - n * interval '1 second' from generate_series(1, $1) n`,
    [count],
  )
const outcome = (
  { id, status, revision, heldUntil }: DueCheck,
  exitCode: number | null = 0,
  error: string | null = null,
) => ({
  id,
  was: status,
  revision,
  heldUntil,
  exitCode,
  error,
  nextInMs: 15_000,
})
const claimOne = async (): Promise<DueCheck> => {
  const [one] = await claimChecks(here.pool, 1, 60_000)
  assert.ok(one)
  return one
}

suite('claiming checks', () => {
  test('gives those that are due, the most overdue first, and holds them', async () => {
    await many(10)
    const first = await claimChecks(here.pool, 3, 60_000)
    assert.deepEqual(first.map((one) => one.name).sort(), ['d10', 'd8', 'd9'])
    const rest = await claimChecks(here.pool, 100, 60_000)
    assert.equal(rest.length, 7)
    assert.deepEqual(await claimChecks(here.pool, 100, 60_000), [])
  })

  test('never gives more than asked for, however small the table', async () => {
    for (const count of [1, 2, 3, 5, 8]) {
      await here.raw('truncate deployments, actions, action_output')
      await many(count)
      assert.equal((await claimChecks(here.pool, 1, 60_000)).length, 1)
    }
  })

  test('never gives more than asked for, whatever plan PostgreSQL makes', async () => {
    const plans = ['material', 'hashagg', 'hashjoin', 'mergejoin', 'sort', 'indexscan', 'bitmapscan']
    const [{ name }] = await here.raw('select current_database() as name')
    await many(3)
    for (const one of plans) await here.raw(`alter database ${name} set enable_${one} = off`)
    const pool = await openPool(here.url, { size: 1 })
    assert.equal((await claimChecks(pool, 1, 60_000)).length, 1)
    await pool.end()
    for (const one of plans) await here.raw(`alter database ${name} reset enable_${one}`)
  })

  test('of a runner that is gone are given again after the hold', async () => {
    await many(1)
    assert.equal((await claimChecks(here.pool, 1, 0)).length, 1)
    assert.equal((await claimChecks(here.pool, 1, 60_000)).length, 1)
    assert.equal((await claimChecks(here.pool, 1, 60_000)).length, 0)
  })

  test('shares the work among many runners without overlap', async () => {
    await many(200)
    const shares = await Promise.all(times(10, () => claimChecks(here.pool, 16, 60_000)))
    const names = shares.flat().map((one) => one.name)
    assert.equal(new Set(names).size, names.length)
    for (const share of shares) assert.ok(share.length <= 16)
    for (let more = shares.flat(); more.length > 0; ) {
      more = [...(await claimChecks(here.pool, 50, 60_000))]
      names.push(...more.map((one) => one.name))
    }
    assert.equal(new Set(names).size, 200)
    assert.equal(names.length, 200)
  })

  test('leaves alone what is put away and what has an action under way', async () => {
    const checked: Status[] = []
    for (const status of statuses) {
      await deployment(here, status)
      await due()
      for (const one of await claimChecks(here.pool, 10, 60_000)) checked.push(one.status)
    }
    assert.deepEqual(
      new Set(checked),
      new Set(statuses.filter((one) => one !== 'Archived' && one !== 'CleanupFailed')),
    )
    await here.raw('truncate deployments, actions, action_output')
    await ask(here, 'create', newName())
    assert.deepEqual(await claimChecks(here.pool, 10, 60_000), [])
  })

  test('tells how long the status has lasted, on the clock of the database', async () => {
    const name = await deployment(here)
    await here.raw(
      `update deployments set status_updated_at = now() - interval '90 seconds' where name = $1`,
      [name],
    )
    const { pendingMs } = await claimOne()
    assert.ok(pendingMs >= 90_000 && pendingMs < 95_000, String(pendingMs))
  })
})

suite('keeping a check', () => {
  test('shows its outcome, plans the next one and is no visible change of the list', async () => {
    const name = await deployment(here)
    const [before] = await here.raw('select revision from deployments')
    await keepCheck(here.pool, outcome(await claimOne(), 7, 'it said no'))
    const { last_check } = JSON.parse(await getFullInfo(here.pool, name))
    assert.deepEqual([last_check.exit_code, last_check.error], [7, 'it said no'])
    const [row] = await here.raw(`select revision, next_check_at - now() as next from deployments`)
    assert.equal(row.revision, before.revision)
    assert.ok(row.next.seconds > 10 && row.next.seconds < 16)
  })

  test('moves the deployment and tells of it', async () => {
    const name = await deployment(here, 'ArchivePending')
    const change = await keepCheckAndMove(here.pool, outcome(await claimOne()), 'Archived')
    assert.ok(change?.type === 'deployment')
    assert.deepEqual(change.deployment.status.recorded_status, { tag: 'Archived' })
    const [row] = await here.raw('select status, archived_at from deployments where name = $1', [name])
    assert.equal(row.status, 'Archived')
    assert.ok(row.archived_at)
  })

  test('that comes after an action has begun changes nothing', async () => {
    const name = await deployment(here)
    const check = await claimOne()
    await ask(here, 'update', name)
    assert.equal(await keepCheckAndMove(here.pool, outcome(check, 1), 'GenericFailure'), null)
    assert.equal(await statusOf(here, name), 'UpdatePending')
  })

  test('that comes after an action has begun and ended changes nothing, though the status is the same again', async () => {
    const name = await deployment(here)
    const check = await claimOne()
    await perform(here, 'update', name)
    await here.raw(`update deployments set status = 'Running' where name = $1`, [name])
    assert.equal(await keepCheckAndMove(here.pool, outcome(check, 1), 'GenericFailure'), null)
    assert.equal(await statusOf(here, name), 'Running')
    await keepCheck(here.pool, outcome(check, 1, 'of the version before'))
    assert.equal(JSON.parse(await getFullInfo(here.pool, name)).last_check, null)
  })

  test('that comes after another runner has checked changes nothing: it is old news', async () => {
    const name = await deployment(here)
    const [frozen] = await claimChecks(here.pool, 1, 0)
    assert.ok(frozen)
    await here.raw('update deployments set next_check_at = now() where name = $1', [name])
    await keepCheck(here.pool, outcome(await claimOne(), 0))
    assert.equal(await keepCheckAndMove(here.pool, outcome(frozen, 1), 'GenericFailure'), null)
    await keepCheck(here.pool, outcome(frozen, 1, 'long ago'))
    assert.equal(await statusOf(here, name), 'Running')
    assert.equal(JSON.parse(await getFullInfo(here.pool, name)).last_check.exit_code, 0)
  })

  test('that waited for the row sees the archive that was asked for again meanwhile', async () => {
    const name = await deployment(here, 'ArchivePending')
    const check = await claimOne()
    const change = await meanwhile(
      here,
      name,
      () => keepCheckAndMove(here.pool, outcome(check), 'Archived'),
      async (query) => {
        await query(`update deployments set status_updated_at = now(), revision = default where name = $1`, [
          name,
        ])
        await query(
          `insert into actions (deployment_id, kind, state, app_overrides, deployment_overrides, actor, source)
           select id, 'archive', 'queued', '[]', '[]', 'x', 'api' from deployments where name = $1`,
          [name],
        )
      },
    )
    assert.equal(change, null)
    assert.equal(await statusOf(here, name), 'ArchivePending')
  })

  test('of a deployment that is gone changes nothing', async () => {
    await deployment(here)
    const check = await claimOne()
    await here.raw('truncate deployments, actions, action_output')
    assert.equal(await keepCheckAndMove(here.pool, outcome(check, 1), 'GenericFailure'), null)
    await keepCheck(here.pool, outcome(check))
  })
})

suite('holding checks', () => {
  const heldFor = async ({ id }: DueCheck): Promise<number> => {
    const [row] = await here.raw(
      'select extract(epoch from next_check_at - now())::float8 as seconds from deployments where id = $1',
      [id],
    )
    return Number(row.seconds)
  }

  test('for longer keeps them from others, and their outcome counts', async () => {
    const name = await deployment(here)
    const [check] = await claimChecks(here.pool, 1, 0)
    assert.ok(check)
    await holdChecks(here.pool, [check], 60_000)
    assert.deepEqual(await claimChecks(here.pool, 1, 60_000), [])
    assert.ok(await keepCheckAndMove(here.pool, outcome(check, 1), 'GenericFailure'))
    assert.equal(await statusOf(here, name), 'GenericFailure')
  })

  test('holds many at once, each as it is', async () => {
    await many(5)
    const checks = await claimChecks(here.pool, 5, 1000)
    await holdChecks(here.pool, checks, 60_000)
    await holdChecks(here.pool, checks, 90_000)
    for (const check of checks) assert.ok((await heldFor(check)) > 80)
    await holdChecks(here.pool, [], 60_000)
  })

  test('that another runner has taken meanwhile, or whose deployment has moved on, does nothing', async () => {
    await deployment(here)
    const [frozen] = await claimChecks(here.pool, 1, 0)
    assert.ok(frozen)
    const taken = await claimOne()
    await holdChecks(here.pool, [frozen], 3_600_000)
    assert.ok((await heldFor(taken)) < 100)
    await due()
    await holdChecks(here.pool, [taken], 3_600_000)
    assert.ok((await heldFor(taken)) <= 0)
  })
})

test('a malformed override of an old row stops neither its checks nor those of others', async () => {
  const odd = await deployment(here)
  const fine = await deployment(here)
  await here.raw(
    `update deployments set next_check_at = now(), app_overrides = case when name = $1 then '[["a"], ["b", {"tag": "ValueDeleted"}]]' else app_overrides end
     where name in ($1, $2)`,
    [odd, fine],
  )
  const due = await claimChecks(here.pool, 1000, 1000)
  assert.deepEqual(due.find((one) => one.name === odd)?.appOverrides, [['b', { tag: 'ValueDeleted' }]])
  assert.ok(due.some((one) => one.name === fine))
})
