/** Frequent queries read few rows of large tables, measured by PostgreSQL's own counters. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openPool } from '../../../db/pool.ts'
import { claim, claimFirst, finish, renew, start } from '../../../db/queries/action-lifecycle.ts'
import { getAction, readActions } from '../../../db/queries/actions.ts'
import { requestCancel } from '../../../db/queries/cancel-action.ts'
import { claimChecks, saveCheckResult, saveCheckResultAndStatus } from '../../../db/queries/checks.ts'
import { findNextActions } from '../../../db/queries/claim-order.ts'
import { deleteDeployment } from '../../../db/queries/delete-deployment.ts'
import { getDeploymentOverrides, getListVersion } from '../../../db/queries/deployments.ts'
import { readRequestContext } from '../../../db/queries/idempotency.ts'
import { getOutput } from '../../../db/queries/output.ts'
import { endExpiredAction } from '../../../db/queries/recovery.ts'
import { findExpiredArchives } from '../../../db/queries/retention.ts'
import { withDatabase } from '../../helpers/with-database.ts'
import {
  actorNamed,
  anyRight,
  collect,
  enqueue,
  getFullInfo,
  leaseMs,
  readWholeInfo,
  scriptResult,
  testActor,
  useTestDatabase,
} from '../fixtures.ts'

const db = useTestDatabase(1)
const deployments = 3000
const actionsOfEach = 20

test('No frequent query scans a whole table', async () => {
  await withDatabase(db.url, async (client) => {
    await client.query(`set session_replication_role = replica`)
    await client.query(
      `insert into deployments (name, status, app_overrides, deployment_overrides, links, archived_at)
       select 'd' || n, case when n % 5 = 0 then 'Archived' else 'Running' end, '[]', '[]', '[]',
         case when n % 5 = 0 then now() - n * interval '1 minute' end
       from generate_series(1, $1) n`,
      [deployments],
    )
    await client.query(
      `insert into deployment_checks (deployment_id, next_check_at)
       select id, case when status = 'Running' then now() + (id - 100) * interval '1 second' end from deployments`,
    )
    await client.query(
      `insert into actions (deployment_id, kind, state, app_overrides, deployment_overrides, actor, source,
         started_at, finished_at, exit_code, fencing_token)
       select d, 'update', 'succeeded', '[]', '[]', 'ann', 'api', now(), now(), 0, 1
       from generate_series(1, $1) d, generate_series(1, $2) n`,
      [deployments, actionsOfEach],
    )
    await client.query(
      `insert into action_output (action_id, seq, stream, text, fencing_token)
       select id, 1, 'stdout', 'x', 1 from actions where id % 3 = 0`,
    )
    await client.query('set session_replication_role = origin')
    await client.query('vacuum analyze')
  })
  const before = await readCounters()

  const pool = await openPool(db.url, { size: 1 })
  const pooled = { ...db, pool }
  const { actionId } = await enqueue(pooled, 'update', 'd1')
  const claimed = await claimFirst(pool, await findNextActions(pool, 32, []), 'r', leaseMs)
  assert.equal(claimed?.actionId, actionId)
  await renew(pool, claimed, leaseMs)
  await start(pool, claimed, null)
  await endExpiredAction(pool, false)
  await finish(pool, claimed, scriptResult(0))
  const cancelled = await enqueue(pooled, 'update', 'd2')
  await requestCancel(pool, cancelled.actionId, actorNamed('ann'), anyRight)
  assert.equal(await claim(pool, cancelled.actionId, 'r', leaseMs), null)
  const due = await claimChecks(pool, 16, 60_000)
  assert.equal(due.length, 16)
  const [one, another] = due.map((check) => ({
    ...check,
    exitCode: 1,
    failure: null,
    nextCheckInMs: 1000,
  }))
  if (one) await saveCheckResult(pool, one)
  if (another) await saveCheckResultAndStatus(pool, another, 'GenericFailure')
  await findExpiredArchives(pool, 1000, 20)
  await getListVersion(pool)
  await getFullInfo(pool, 'd300')
  await getDeploymentOverrides(pool, 'd300')
  await readRequestContext(pool, { key: 'k', fingerprint: 'f' }, 'd300')
  await collect(readActions(pool, 'd300', 50))
  await readWholeInfo(pool, 'd300')
  await getAction(pool, 3000)
  await getOutput(pool, 3000, 0, 200)
  await deleteDeployment(pool, 'd301', testActor, undefined)
  // A session publishes its counters when it ends.
  await pool.end()

  const read = await readCounters()
  for (const table of ['deployments', 'deployment_checks', 'actions', 'action_output']) {
    const rows = (read[table] ?? 0) - (before[table] ?? 0)
    assert.ok(rows < 600, `${rows} rows of ${table} were read`)
  }
})

/** The number of rows read of each table so far. */
async function readCounters(): Promise<Record<string, number>> {
  return withDatabase(db.url, async (client) => {
    const { rows } = await client.query(
      `select relname as table, (seq_tup_read + coalesce(idx_tup_fetch, 0))::int as read from pg_stat_user_tables`,
    )
    return Object.fromEntries(rows.map((row) => [row.table, row.read]))
  })
}
