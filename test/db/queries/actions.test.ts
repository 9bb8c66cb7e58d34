/** Reads of actions: lists and the info record of Octopod 1.6. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { finish } from '../../../db/queries/action-lifecycle.ts'
import { getAction, readActions } from '../../../db/queries/actions.ts'
import { valueAdded } from '../../../domain/overrides.ts'
import { action, info } from '../../../domain/schemas.ts'
import {
  collect,
  enqueue,
  insertDeployment,
  isRefusal,
  newName,
  readWholeInfo,
  repeat,
  runAction,
  scriptResult,
  startAction,
  useTestDatabase,
} from '../fixtures.ts'

const db = useTestDatabase(3)

suite('lists of actions', () => {
  test('Actions are listed newest first, in pages', async () => {
    const name = await insertDeployment(db)
    const ids = (await collect(readActions(db.pool, name, 10))).map((one) => one.action_id)
    for (const _ of repeat(4, newName)) {
      ids.unshift((await runAction(db, 'update', name)).actionId)
      await db.raw(`update deployments set status = 'Running' where name = $1`, [name])
    }
    const page = async (limit: number, before?: number) =>
      (await collect(readActions(db.pool, name, limit, before))).map((one) => one.action_id)
    assert.deepEqual(await page(10), ids)
    assert.deepEqual(await page(2), ids.slice(0, 2))
    assert.deepEqual(await page(2, ids[1]), ids.slice(2, 4))
    assert.deepEqual(await page(10, Number.MAX_SAFE_INTEGER), ids)
    assert.deepEqual(await page(10, 1), [])
    await assert.rejects(collect(readActions(db.pool, 'unknown', 10)), isRefusal('no_such_deployment'))
  })

  test('An action in any state matches the API schema', async () => {
    const queued = (await enqueue(db, 'create', newName())).actionId
    const started = (await startAction(db, 'create', newName())).actionId
    const ended = (await runAction(db, 'create', newName())).actionId
    for (const id of [queued, started, ended]) {
      const read = await getAction(db.pool, id)
      assert.deepEqual(action.parse(read), read)
    }
    await assert.rejects(getAction(db.pool, 999_999_999_999), isRefusal('no_such_action'))
  })

  test('An action keeps the overrides of its own time', async () => {
    const name = await insertDeployment(db)
    const overrides = { application: [valueAdded('a', '1')], deployment: [] }
    const { actionId } = await enqueue(db, 'update', name, { overrides })
    await db.raw(`update deployments set app_overrides = '[]' where name = $1`, [name])
    assert.deepEqual((await getAction(db.pool, actionId)).app_overrides, overrides.application)
  })
})

suite('info', () => {
  test('Finished actions are listed in the format of Octopod 1.6, newest first', async () => {
    const name = await insertDeployment(db)
    const failed = await startAction(db, 'update', name)
    await finish(db.pool, failed, scriptResult(null, { signal: 'SIGKILL', timedOut: true }))
    await db.raw(`update deployments set status = 'Running' where name = $1`, [name])
    await startAction(db, 'update', name)
    const read = await readWholeInfo(db.pool, name)
    assert.deepEqual(info.parse(read), read)
    assert.deepEqual(
      read.logs.map((log) => [log.action, log.exit_code, log.duration.months]),
      [
        ['UpdateAction', -1, 0],
        ['CreateAction', 0, 0],
      ],
    )
    assert.ok(read.logs.every((log) => log.duration.time >= 0 && log.duration.time < 60))
    await assert.rejects(readWholeInfo(db.pool, 'unknown'), isRefusal('no_such_deployment'))
  })

  test('Times are in UTC in every time zone of the database', async () => {
    const name = await insertDeployment(db)
    await db.raw(`update deployments set created_at = '2022-07-01 12:00:00.25+02' where name = $1`, [name])
    const [{ at }] = await db.raw(
      `select to_api_time(created_at) as at from deployments, set_config('TimeZone', 'Asia/Kathmandu', false) where name = $1`,
      [name],
    )
    assert.equal(at, '2022-07-01T10:00:00.250000Z')
  })
})
