/** What is asked often reads few rows, however many deployments and actions there are: PostgreSQL's own counters say so. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getAction, getInfo, getOutput, listActions } from '../../db/actions.ts'
import { deleteDeployment, requestCancel } from '../../db/cancel.ts'
import { claimChecks, keepCheck, keepCheckAndMove } from '../../db/checks.ts'
import { countChanges, getFullInfo, getTarget } from '../../db/deployments.ts'
import { peek } from '../../db/peek.ts'
import { openPool } from '../../db/pool.ts'
import { endOneLost, findExpired, findWaiting } from '../../db/sweep.ts'
import { claim, finish, renew, start } from '../../db/transition.ts'
import { withDatabase } from '../helpers/database.ts'
import { ask, ended, ground, leaseMs, take } from './ground.ts'

const here = ground(1)
const deployments = 3000
const actionsOfEach = 20

test('no hot query walks through a whole table', async () => {
  await withDatabase(here.url, async (client) => {
    await client.query(`set session_replication_role = replica`)
    await client.query(
      `insert into deployments (name, status, app_overrides, deployment_overrides, links, next_check_at, archived_at)
       select 'd' || n, case when n % 5 = 0 then 'Archived' else 'Running' end, '[]', '[]', '[]',
         now() + (n - 100) * interval '1 second', case when n % 5 = 0 then now() - n * interval '1 minute' end
       from generate_series(1, $1) n`,
      [deployments],
    )
    await client.query(
      `insert into actions (deployment_id, kind, state, app_overrides, deployment_overrides, actor, source,
         started_at, finished_at, exit_code, lease_epoch)
       select d, 'update', 'succeeded', '[]', '[]', 'ann', 'api', now(), now(), 0, 1
       from generate_series(1, $1) d, generate_series(1, $2) n`,
      [deployments, actionsOfEach],
    )
    await client.query(
      `insert into action_output (action_id, seq, stream, text, lease_epoch)
       select id, 1, 'stdout', 'x', 1 from actions where id % 3 = 0`,
    )
    await client.query('set session_replication_role = origin')
    await client.query('vacuum analyze')
  })
  const before = await counters()

  const pool = await openPool(here.url, { size: 1 })
  const ours = { ...here, pool }
  const { actionId } = await ask(ours, 'update', 'd1')
  await findWaiting(pool, 0, 32)
  const held = await take(ours, actionId)
  await renew(pool, held, leaseMs)
  await start(pool, held, null)
  await endOneLost(pool, false)
  await finish(pool, held, ended(0))
  const cancelled = await ask(ours, 'update', 'd2')
  await requestCancel(pool, cancelled.actionId, 'ann')
  assert.equal(await claim(pool, cancelled.actionId, 'r', leaseMs), null)
  const due = await claimChecks(pool, 16, 60_000)
  assert.equal(due.length, 16)
  const [one, another] = due.map((check) => ({
    ...check,
    was: check.status,
    exitCode: 1,
    error: null,
    nextInMs: 1000,
  }))
  if (one) await keepCheck(pool, one)
  if (another) await keepCheckAndMove(pool, another, 'GenericFailure')
  await findExpired(pool, 1000, 20)
  await countChanges(pool)
  await getFullInfo(pool, 'd300')
  await getTarget(pool, 'd300')
  await peek(pool, 'd300')
  await listActions(pool, 'd300', 50)
  await getInfo(pool, 'd300')
  await getAction(pool, 3000)
  await getOutput(pool, 3000, 0, 200)
  await deleteDeployment(pool, 'd301', undefined)
  // A session that ends has told its counters.
  await pool.end()

  const read = await counters()
  for (const table of ['deployments', 'actions', 'action_output']) {
    const rows = (read[table] ?? 0) - (before[table] ?? 0)
    assert.ok(rows < 600, `${rows} rows of ${table} were read`)
  }
})

/** How many rows of each table were read so far, by whatever way. */
async function counters(): Promise<Record<string, number>> {
  return withDatabase(here.url, async (client) => {
    const { rows } = await client.query(
      `select relname as table, (seq_tup_read + coalesce(idx_tup_fetch, 0))::int as read from pg_stat_user_tables`,
    )
    return Object.fromEntries(rows.map((row) => [row.table, row.read]))
  })
}
