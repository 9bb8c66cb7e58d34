/** Checks: claims shared among runners, and results that are saved only if the deployment is unchanged. */
import assert from 'node:assert/strict'
import { beforeEach, suite, test } from 'node:test'
import { openPool } from '../../../db/pool.ts'
import {
  claimChecks,
  type DueCheck,
  renewCheckLeases,
  saveCheckResult,
  saveCheckResultAndStatus,
} from '../../../db/queries/checks.ts'
import { type Status, statuses } from '../../../domain/statuses.ts'
import {
  enqueue,
  getFullInfo,
  insertDeployment,
  newName,
  repeat,
  runAction,
  statusOf,
  useTestDatabase,
  whileRowLocked,
} from '../fixtures.ts'

const db = useTestDatabase(10)
beforeEach(() => db.raw('truncate deployments, actions, action_output, status_changes'))

const makeAllDue = () => db.raw('update deployments set next_check_at = now()')
const insertMany = (count: number) =>
  db.raw(
    `insert into deployments (name, status, app_overrides, deployment_overrides, links, next_check_at)
     select 'd' || n, 'Running', '[]', '[]', '[]', now() - n * interval '1 second' from generate_series(1, $1) n`,
    [count],
  )
const resultOf = (
  { id, status, revision, leaseExpiresAt }: DueCheck,
  exitCode: number | null = 0,
  error: string | null = null,
) => ({
  id,
  statusWhenClaimed: status,
  revision,
  leaseExpiresAt,
  exitCode,
  error,
  nextCheckInMs: 15_000,
})
const claimOne = async (): Promise<DueCheck> => {
  const [one] = await claimChecks(db.pool, 1, 60_000)
  assert.ok(one)
  return one
}

suite('claim of checks', () => {
  test('Due checks are claimed, the most overdue first', async () => {
    await insertMany(10)
    const first = await claimChecks(db.pool, 3, 60_000)
    assert.deepEqual(first.map((one) => one.name).sort(), ['d10', 'd8', 'd9'])
    const rest = await claimChecks(db.pool, 100, 60_000)
    assert.equal(rest.length, 7)
    assert.deepEqual(await claimChecks(db.pool, 100, 60_000), [])
  })

  test('A claim never exceeds its limit in a small table', async () => {
    for (const count of [1, 2, 3, 5, 8]) {
      await db.raw('truncate deployments, actions, action_output')
      await insertMany(count)
      assert.equal((await claimChecks(db.pool, 1, 60_000)).length, 1)
    }
  })

  test('A claim never exceeds its limit with any plan of PostgreSQL', async () => {
    const plans = ['material', 'hashagg', 'hashjoin', 'mergejoin', 'sort', 'indexscan', 'bitmapscan']
    const [{ name }] = await db.raw('select current_database() as name')
    await insertMany(3)
    for (const one of plans) await db.raw(`alter database ${name} set enable_${one} = off`)
    const pool = await openPool(db.url, { size: 1 })
    assert.equal((await claimChecks(pool, 1, 60_000)).length, 1)
    await pool.end()
    for (const one of plans) await db.raw(`alter database ${name} reset enable_${one}`)
  })

  test('Checks of a lost runner are claimed again after the lease', async () => {
    await insertMany(1)
    assert.equal((await claimChecks(db.pool, 1, 0)).length, 1)
    assert.equal((await claimChecks(db.pool, 1, 60_000)).length, 1)
    assert.equal((await claimChecks(db.pool, 1, 60_000)).length, 0)
  })

  test('Concurrent runners share the checks without overlap', async () => {
    await insertMany(200)
    const shares = await Promise.all(repeat(10, () => claimChecks(db.pool, 16, 60_000)))
    const names = shares.flat().map((one) => one.name)
    assert.equal(new Set(names).size, names.length)
    for (const share of shares) assert.ok(share.length <= 16)
    for (let more = shares.flat(); more.length > 0; ) {
      more = [...(await claimChecks(db.pool, 50, 60_000))]
      names.push(...more.map((one) => one.name))
    }
    assert.equal(new Set(names).size, 200)
    assert.equal(names.length, 200)
  })

  test('Archived deployments and those with an active action are not checked', async () => {
    const checked: Status[] = []
    for (const status of statuses) {
      await insertDeployment(db, status)
      await makeAllDue()
      for (const one of await claimChecks(db.pool, 10, 60_000)) checked.push(one.status)
    }
    assert.deepEqual(
      new Set(checked),
      new Set(statuses.filter((one) => one !== 'Archived' && one !== 'CleanupFailed')),
    )
    await db.raw('truncate deployments, actions, action_output')
    await enqueue(db, 'create', newName())
    assert.deepEqual(await claimChecks(db.pool, 10, 60_000), [])
  })

  test('A claim contains the age of the status on the clock of the database', async () => {
    const name = await insertDeployment(db)
    await db.raw(`update deployments set status_updated_at = now() - interval '90 seconds' where name = $1`, [
      name,
    ])
    const { pendingMs } = await claimOne()
    assert.ok(pendingMs >= 90_000 && pendingMs < 95_000, String(pendingMs))
  })
})

suite('saving a check result', () => {
  test('A saved result plans the next check and is not a visible change of the list', async () => {
    const name = await insertDeployment(db)
    const [before] = await db.raw('select revision from deployments')
    await saveCheckResult(db.pool, resultOf(await claimOne(), 7, 'exit message'))
    const { last_check } = JSON.parse(await getFullInfo(db.pool, name))
    assert.deepEqual([last_check.exit_code, last_check.error], [7, 'exit message'])
    const [row] = await db.raw(`select revision, next_check_at - now() as next from deployments`)
    assert.equal(row.revision, before.revision)
    assert.ok(row.next.seconds > 10 && row.next.seconds < 16)
  })

  test('A result with a new status returns a change event', async () => {
    const name = await insertDeployment(db, 'ArchivePending')
    const change = await saveCheckResultAndStatus(db.pool, resultOf(await claimOne()), 'Archived')
    assert.ok(change?.type === 'deployment')
    assert.deepEqual(change.deployment.status.recorded_status, { tag: 'Archived' })
    const [row] = await db.raw('select status, archived_at from deployments where name = $1', [name])
    assert.equal(row.status, 'Archived')
    assert.ok(row.archived_at)
  })

  test('A result after the start of an action changes nothing', async () => {
    const name = await insertDeployment(db)
    const check = await claimOne()
    await enqueue(db, 'update', name)
    assert.equal(await saveCheckResultAndStatus(db.pool, resultOf(check, 1), 'GenericFailure'), null)
    assert.equal(await statusOf(db, name), 'UpdatePending')
  })

  test('A result after a whole action changes nothing, even with the same status', async () => {
    const name = await insertDeployment(db)
    const check = await claimOne()
    await runAction(db, 'update', name)
    await db.raw(`update deployments set status = 'Running' where name = $1`, [name])
    assert.equal(await saveCheckResultAndStatus(db.pool, resultOf(check, 1), 'GenericFailure'), null)
    assert.equal(await statusOf(db, name), 'Running')
    await saveCheckResult(db.pool, resultOf(check, 1, 'of the old version'))
    assert.equal(JSON.parse(await getFullInfo(db.pool, name)).last_check, null)
  })

  test('A result after the check of another runner changes nothing', async () => {
    const name = await insertDeployment(db)
    const [frozen] = await claimChecks(db.pool, 1, 0)
    assert.ok(frozen)
    await db.raw('update deployments set next_check_at = now() where name = $1', [name])
    await saveCheckResult(db.pool, resultOf(await claimOne(), 0))
    assert.equal(await saveCheckResultAndStatus(db.pool, resultOf(frozen, 1), 'GenericFailure'), null)
    await saveCheckResult(db.pool, resultOf(frozen, 1, 'long ago'))
    assert.equal(await statusOf(db, name), 'Running')
    assert.equal(JSON.parse(await getFullInfo(db.pool, name)).last_check.exit_code, 0)
  })

  test('A result that waited for the row lock sees a second archive', async () => {
    const name = await insertDeployment(db, 'ArchivePending')
    const check = await claimOne()
    const change = await whileRowLocked(
      db,
      name,
      () => saveCheckResultAndStatus(db.pool, resultOf(check), 'Archived'),
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
    assert.equal(await statusOf(db, name), 'ArchivePending')
  })

  test('A result for a deleted deployment changes nothing', async () => {
    await insertDeployment(db)
    const check = await claimOne()
    await db.raw('truncate deployments, actions, action_output')
    assert.equal(await saveCheckResultAndStatus(db.pool, resultOf(check, 1), 'GenericFailure'), null)
    await saveCheckResult(db.pool, resultOf(check))
  })
})

suite('renewal of check leases', () => {
  const remainingLeaseMs = async ({ id }: DueCheck): Promise<number> => {
    const [row] = await db.raw(
      'select extract(epoch from next_check_at - now())::float8 as seconds from deployments where id = $1',
      [id],
    )
    return Number(row.seconds)
  }

  test('A renewed check is not claimed by others, and its result counts', async () => {
    const name = await insertDeployment(db)
    const [check] = await claimChecks(db.pool, 1, 0)
    assert.ok(check)
    await renewCheckLeases(db.pool, [check], 60_000)
    assert.deepEqual(await claimChecks(db.pool, 1, 60_000), [])
    assert.ok(await saveCheckResultAndStatus(db.pool, resultOf(check, 1), 'GenericFailure'))
    assert.equal(await statusOf(db, name), 'GenericFailure')
  })

  test('Many leases are renewed at once, each for its own claim', async () => {
    await insertMany(5)
    const checks = await claimChecks(db.pool, 5, 1000)
    await renewCheckLeases(db.pool, checks, 60_000)
    await renewCheckLeases(db.pool, checks, 90_000)
    for (const check of checks) assert.ok((await remainingLeaseMs(check)) > 80)
    await renewCheckLeases(db.pool, [], 60_000)
  })

  test('A check that another runner claimed, or whose deployment changed, is not renewed', async () => {
    await insertDeployment(db)
    const [frozen] = await claimChecks(db.pool, 1, 0)
    assert.ok(frozen)
    const reclaimed = await claimOne()
    await renewCheckLeases(db.pool, [frozen], 3_600_000)
    assert.ok((await remainingLeaseMs(reclaimed)) < 100)
    await makeAllDue()
    await renewCheckLeases(db.pool, [reclaimed], 3_600_000)
    assert.ok((await remainingLeaseMs(reclaimed)) <= 0)
  })
})

test('A malformed override in an old row stops no checks', async () => {
  const odd = await insertDeployment(db)
  const fine = await insertDeployment(db)
  await db.raw(
    `update deployments set next_check_at = now(), app_overrides = case when name = $1 then '[["a"], ["b", {"tag": "ValueDeleted"}]]' else app_overrides end
     where name in ($1, $2)`,
    [odd, fine],
  )
  const dueChecks = await claimChecks(db.pool, 1000, 1000)
  assert.deepEqual(dueChecks.find((one) => one.name === odd)?.overrides.application, [
    ['b', { tag: 'ValueDeleted' }],
  ])
  assert.ok(dueChecks.some((one) => one.name === fine))
})
