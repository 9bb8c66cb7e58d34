/** The expected duration of an active action. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { finish } from '../../../db/queries/action-lifecycle.ts'
import type { ActionKind } from '../../../domain/actions.ts'
import type { FullInfo } from '../../../domain/schemas.ts'
import {
  enqueue,
  getFullInfo,
  insertDeployment,
  newName,
  scriptResult,
  startAction,
  useTestDatabase,
} from '../fixtures.ts'

const db = useTestDatabase(3)

/** Inserts ended actions that took these numbers of seconds. */
const insertPastActions = (name: string, kind: ActionKind, seconds: number[], state = 'succeeded') =>
  db.raw(
    `insert into actions (deployment_id, kind, state, app_overrides, deployment_overrides, actor, source,
       started_at, finished_at, exit_code)
     select d.id, $2, $3, '[]', '[]', 'ann', 'api', now() - s * interval '1 second', now(), 0
     from deployments d, unnest($4::float8[]) s where d.name = $1`,
    [name, kind, state, seconds],
  )
const expectedDurationMs = async (name: string) =>
  (JSON.parse(await getFullInfo(db.pool, name)) as FullInfo).last_action?.expected_duration_ms
const enqueueAndRead = async (kind: ActionKind, name: string) => {
  await enqueue(db, kind, name)
  return expectedDurationMs(name)
}

test("The expected duration is the median of the deployment's last successful actions of the same kind", async () => {
  const name = await insertDeployment(db)
  await insertPastActions(name, 'update', [3, 1, 2])
  await insertPastActions(name, 'update', [500], 'failed')
  await insertPastActions(name, 'archive', [900])
  assert.equal(await enqueueAndRead('update', name), 2000)
})

test('Without such actions it is the median of all deployments, also for a create', async () => {
  const other = await insertDeployment(db)
  await db.raw(`delete from actions where kind in ('create', 'restore')`)
  assert.equal(await enqueueAndRead('create', newName()), null)
  await insertPastActions(other, 'create', [10, 30, 20])
  assert.equal(await enqueueAndRead('create', newName()), 20_000)
  const archived = await insertDeployment(db, 'Archived')
  await insertPastActions(other, 'restore', [7])
  assert.equal(await enqueueAndRead('restore', archived), 7000)
})

test('The expected duration of an action does not change after it was enqueued', async () => {
  const other = await insertDeployment(db)
  await insertPastActions(other, 'create', [5, 5, 5])
  const name = newName()
  const claimed = await startAction(db, 'create', name)
  const before = await expectedDurationMs(name)
  await insertPastActions(other, 'create', [60, 60, 60, 60, 60, 60, 60, 60, 60])
  assert.equal(await expectedDurationMs(name), before)
  await finish(db.pool, claimed, scriptResult(0))
  assert.equal(await expectedDurationMs(name), undefined, 'an ended action has no expected duration')
})
