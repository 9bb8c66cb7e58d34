/** Checks: claims shared among runners, and results that are saved only if the deployment is unchanged. */
import assert from 'node:assert/strict'
import { beforeEach, suite, test } from 'node:test'
import { sql } from 'slonik'
import { openPool } from '../../../db/pool.ts'
import { finish } from '../../../db/queries/action-lifecycle.ts'
import {
  claimChecks,
  createCheckClaimer,
  type DueCheck,
  isCheckRunning,
  releaseCheck,
  renewCheckLeases,
  saveCheckResult,
  saveCheckResultAndStatus,
} from '../../../db/queries/checks.ts'
import { readStats } from '../../../db/queries/stats.ts'
import type { Failure } from '../../../domain/failures/failure.ts'
import type { FullInfoWithCheck } from '../../../domain/schemas.ts'
import { checkScriptFor, type Status, statuses } from '../../../domain/statuses.ts'
import { withDatabase } from '../../helpers/with-database.ts'
import {
  claimNow,
  enqueue,
  getFullInfo,
  insertDeployment,
  newName,
  repeat,
  runAction,
  scriptResult,
  statusOf,
  useTestDatabase,
  whileRowLocked,
} from '../fixtures.ts'

const db = useTestDatabase(10)
beforeEach(() =>
  db.raw('truncate deployments, deployment_checks, actions, action_output, status_changes, pauses'),
)

const makeAllDue = () =>
  db.raw('update deployment_checks set next_check_at = now() where next_check_at is not null')
/** d2 became due a second before d1, and so on. */
const insertMany = async (count: number) => {
  await db.raw(
    `insert into deployments (name, status, app_overrides, deployment_overrides, links)
     select 'd' || n, 'Running', '[]', '[]', '[]' from generate_series(1, $1) n`,
    [count],
  )
  await db.raw(
    `update deployment_checks set next_check_at = now() - substr(name, 2)::int * interval '1 second'
     from deployments where id = deployment_id`,
  )
}
const resultOf = (
  { id, claim, dueAtUs }: DueCheck,
  exitCode: number | null = 0,
  message: string | null = null,
) => ({
  id,
  claim,
  dueAtUs,
  exitCode,
  failure: message === null ? null : checkFailure(message),
  nextCheckInMs: 15_000,
})
const checkFailure = (message: string): Failure => ({
  what: 'script',
  script: 'check',
  message,
  hint: null,
  output: null,
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
      await db.raw('truncate deployments, deployment_checks, actions, action_output')
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
    assert.deepEqual(new Set(checked), new Set(statuses.filter((one) => checkScriptFor(one) !== null)))
    await db.raw('truncate deployments, deployment_checks, actions, action_output')
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

test('A check reads few pages, however many there were since another transaction began', async () => {
  await insertMany(50)
  // Its pages would count too.
  await db.raw('alter table deployment_checks set (autovacuum_enabled = false)')
  await withDatabase(db.url, async (reader) => {
    await reader.query('begin isolation level repeatable read')
    await reader.query('select from deployments')
    // PostgreSQL keeps 10,000 index entries for the reader.
    for (const _ of repeat(200, newName))
      await db.raw(`update deployment_checks set next_check_at = now() - interval '1 hour'`)
    await makeAllDue()
    const pool = await openPool(db.url, { size: 1 })
    const pagesRead = async () => {
      // Also the connection of the updates: it reports its counts at most once a second.
      await pool.query(sql.unsafe`select pg_stat_force_next_flush()`)
      await db.raw('select pg_stat_force_next_flush()')
      const [{ pages }] = await db.raw(
        `select (heap_blks_hit + heap_blks_read + idx_blks_hit + idx_blks_read)::int as pages
         from pg_statio_user_tables where relname = 'deployment_checks'`,
      )
      return pages
    }
    const claimDue = createCheckClaimer(pool)
    assert.equal((await claimDue(50, 0)).length, 50, 'the first claim searches from the beginning')
    const before = await pagesRead()
    const claimed = await claimDue(50, 0)
    assert.equal(claimed.length, 50)
    await renewCheckLeases(pool, claimed, 1000)
    for (const check of claimed) await saveCheckResult(pool, resultOf(check))
    const pages = (await pagesRead()) - before
    await pool.end()
    assert.ok(pages > 0 && pages < 2000, `${pages} pages`)
  })
})

test('Claims and renewals change no index', async () => {
  await insertMany(20)
  const pool = await openPool(db.url, { size: 1 })
  const updates = async () => {
    // Each connection counts for itself and reports its counts at most once a second.
    await pool.query(sql.unsafe`select pg_stat_force_next_flush()`)
    await db.raw('select pg_stat_force_next_flush()')
    const [row] = await db.raw(
      `select (n_tup_upd - n_tup_hot_upd)::int as "withIndex", n_tup_upd::int as all from pg_stat_user_tables
       where relname = 'deployment_checks'`,
    )
    return row
  }
  const before = await updates()
  const claimed = await claimChecks(pool, 20, 1000)
  await renewCheckLeases(pool, claimed, 1000)
  const after = await updates()
  await pool.end()
  assert.equal(after.all - before.all, 40)
  assert.equal(after.withIndex - before.withIndex, 0)
})

suite('saving a check result', () => {
  test('A saved result plans the next check and is not a visible change of the list', async () => {
    const name = await insertDeployment(db)
    const [before] = await db.raw('select revision from deployments')
    await saveCheckResult(db.pool, resultOf(await claimOne(), 7, 'exit message'))
    const { last_check } = JSON.parse(await getFullInfo(db.pool, name))
    assert.deepEqual([last_check.exit_code, last_check.error], [7, 'exit message'])
    const [row] = await db.raw(
      `select revision, next_check_at - now() as next from deployments join deployment_checks on deployment_id = id`,
    )
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
    await makeAllDue()
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
        await query(`update deployments set status = status, revision = default where name = $1`, [name])
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
    await db.raw('truncate deployments, deployment_checks, actions, action_output')
    assert.equal(await saveCheckResultAndStatus(db.pool, resultOf(check, 1), 'GenericFailure'), null)
    await saveCheckResult(db.pool, resultOf(check))
  })
})

suite('renewal of check leases', () => {
  const remainingLeaseMs = async ({ id }: DueCheck): Promise<number> => {
    const [row] = await db.raw(
      'select extract(epoch from lease_expires_at - now())::float8 as seconds from deployment_checks where deployment_id = $1',
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
    const held = await renewCheckLeases(db.pool, checks, 90_000)
    assert.deepEqual(held, new Set(checks.map(({ id }) => id)))
    for (const check of checks) assert.ok((await remainingLeaseMs(check)) > 80)
    await renewCheckLeases(db.pool, [], 60_000)
  })

  test('A check that another runner claimed, or whose deployment began an action, is not renewed', async () => {
    const name = await insertDeployment(db)
    const [frozen] = await claimChecks(db.pool, 1, 0)
    assert.ok(frozen)
    const reclaimed = await claimOne()
    assert.deepEqual(await renewCheckLeases(db.pool, [frozen], 3_600_000), new Set())
    assert.ok((await remainingLeaseMs(reclaimed)) < 100)
    await enqueue(db, 'update', name)
    assert.deepEqual(await renewCheckLeases(db.pool, [reclaimed], 3_600_000), new Set())
    assert.ok((await remainingLeaseMs(reclaimed)) < 100)
  })

  test('While a check runs, an action of its deployment knows it, and no other check begins', async () => {
    const name = await insertDeployment(db)
    const check = await claimOne()
    const action = await claimNow(db, (await enqueue(db, 'update', name)).actionId)
    assert.equal(action.isBeingChecked, true)
    assert.equal(await isCheckRunning(db.pool, check.id), true)
    await finish(db.pool, action, scriptResult(1))
    assert.deepEqual(await claimChecks(db.pool, 1, 60_000), [], 'after the action')
    assert.equal(await saveCheckResult(db.pool, resultOf(check)), false)
    await releaseCheck(db.pool, check)
    assert.equal(await isCheckRunning(db.pool, check.id), false)
    const next = await claimOne()
    await releaseCheck(db.pool, check)
    assert.equal(await isCheckRunning(db.pool, next.id), true, 'the lease of another runner is not released')
    const later = await claimNow(db, (await enqueue(db, 'archive', name)).actionId)
    assert.equal(later.isBeingChecked, true)
  })

  test('An action whose deployment is not being checked knows it', async () => {
    const name = await insertDeployment(db)
    assert.equal((await claimNow(db, (await enqueue(db, 'update', name)).actionId)).isBeingChecked, false)
    const other = await insertDeployment(db)
    await saveCheckResult(db.pool, resultOf(await claimOne()))
    assert.equal((await claimNow(db, (await enqueue(db, 'update', other)).actionId)).isBeingChecked, false)
  })
})

test('A malformed override in an old row stops no checks', async () => {
  const odd = await insertDeployment(db)
  const fine = await insertDeployment(db)
  await db.raw(
    `update deployments set app_overrides = case when name = $1 then '[["a"], ["b", {"tag": "ValueDeleted", "contents": null}], ["c", {"tag": "ValueAdded", "contents": null}]]' else app_overrides end
     where name in ($1, $2)`,
    [odd, fine],
  )
  const due = await claimChecks(db.pool, 1000, 1000)
  assert.deepEqual(due.find((one) => one.name === odd)?.overrides.application, [
    ['b', { tag: 'ValueDeleted' }],
  ])
  assert.ok(due.some((one) => one.name === fine))
})

suite('pauses', () => {
  const pause = (until: string) =>
    db.raw(`insert into pauses (what, paused_until, paused_by, reason) values ('checks', ${until}, 'ann', 'upgrade')
      on conflict (what) do update set paused_until = excluded.paused_until`)

  test('During a pause only checks after an action are claimed; afterwards all overdue ones are, at once', async () => {
    await insertMany(20)
    const claim = createCheckClaimer(db.pool)
    assert.equal((await claim(5, 1000)).length, 5)
    const pending = await insertDeployment(db, 'UpdatePending')
    await db.raw(
      `update deployment_checks set next_check_at = now() from deployments where id = deployment_id and name = $1`,
      [pending],
    )
    await pause('null')
    assert.deepEqual(
      (await claim(100, 0)).map(({ name }) => name),
      [pending],
    )
    await pause(`now() + interval '1 hour'`)
    assert.deepEqual(
      (await claim(100, 1000)).map(({ name }) => name),
      [pending],
    )
    await pause('now()')
    assert.ok((await claim(100, 1000)).length >= 15)
  })

  test('A check that runs when a pause begins changes nothing, but the one after an action does', async () => {
    await insertDeployment(db)
    await insertDeployment(db, 'UpdatePending')
    await makeAllDue()
    const claimed = await claimChecks(db.pool, 2, 60_000)
    const one = claimed.find(({ status }) => status === 'Running')
    const other = claimed.find(({ status }) => status === 'UpdatePending')
    assert.ok(one && other)
    await pause('null')
    assert.equal(await saveCheckResultAndStatus(db.pool, resultOf(one, 1, 'down'), 'GenericFailure'), null)
    assert.equal(await saveCheckResult(db.pool, resultOf(one, 1, 'down')), false)
    assert.equal(await statusOf(db, one.name), 'Running')
    assert.ok(await saveCheckResultAndStatus(db.pool, resultOf(other), 'Running'))
    await pause('now()')
    assert.ok(await saveCheckResultAndStatus(db.pool, resultOf(one, 1, 'down'), 'GenericFailure'))
  })

  test('Information about a deployment says since when its checks are paused, and when the wait for a check ends', async () => {
    const [settled, pending] = [await insertDeployment(db), await insertDeployment(db, 'UpdatePending')]
    await db.raw(`update deployment_checks set status_update_timeout = interval '10 minutes'`)
    const infoOf = async (of: string): Promise<FullInfoWithCheck> =>
      JSON.parse(await getFullInfo(db.pool, of))
    const { waits_until: until } = await infoOf(pending)
    assert.ok(until)
    await pause('null')
    assert.ok((await infoOf(settled)).checks_paused_since)
    const whilePaused = await infoOf(pending)
    assert.deepEqual([whilePaused.checks_paused_since, whilePaused.waits_until], [null, until])
    await pause('now()')
    assert.equal((await infoOf(settled)).checks_paused_since, null)
  })

  test('A paused check is not late, and one after an action is', async () => {
    const late = async () => (await readStats(db.pool)).lateChecks
    await insertMany(3)
    const pending = await insertDeployment(db, 'UpdatePending')
    await db.raw(`update deployment_checks set next_check_at = now() - interval '1 hour'`)
    assert.equal(await late(), 4)
    for (const until of ['null', `now() + interval '1 hour'`, 'now()']) {
      await pause(until)
      assert.equal(await late(), 1, until)
    }
    await db.raw('delete from deployments where name = $1', [pending])
    assert.equal(await late(), 0)
    await pause(`now() - interval '10 seconds'`)
    assert.equal(await late(), 3)
  })
})
