/** Health checks: which run, how many at a time, what their results change, and what ends them. */
import assert from 'node:assert/strict'
import { afterEach, suite, test } from 'node:test'
import { type CheckScheduler, startCheckScheduler } from '../../../runner/checks/check-scheduler.ts'
import type { RunnerContext } from '../../../runner/context.ts'
import { createConfigCache } from '../../../runner/scripts/config-cache.ts'
import { insertDeployment, statusOf, useTestDatabase } from '../../db/fixtures.ts'
import { redisPrefix } from '../../helpers/datastores.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { useTestRunner } from '../runner-context.ts'

const db = useTestDatabase()
const all = useTestRunner(db, { CHECK_CONCURRENCY: '2' })

let scheduler: CheckScheduler | undefined
let shutdown = new AbortController()
let changes = 0
function start(more: Partial<RunnerContext> = {}): CheckScheduler {
  changes = 0
  shutdown = new AbortController()
  const context = all.contextWith({ shutdownSignal: shutdown.signal, ...more })
  scheduler = startCheckScheduler(context, () => {
    changes += 1
  })
  return scheduler
}
afterEach(async () => {
  shutdown.abort('interrupted')
  await scheduler?.stop()
  scheduler = undefined
  await db.raw('delete from actions')
  await db.raw('delete from deployments')
})

const checkRow = async (name: string) => {
  const [row] = await db.raw(
    `select d.id, c.checked_at, c.exit_code, c.failure, coalesce(c.lease_expires_at > now(), false) as is_running
    from deployments d join deployment_checks c on c.deployment_id = d.id where d.name = $1`,
    [name],
  )
  return row
}
const setCheck = (name: string, behavior: string) =>
  db.raw(
    `update deployments set app_overrides = jsonb_build_array(jsonb_build_array('behave.check',
      jsonb_build_object('tag', 'ValueAdded', 'contents', $2::text))) where name = $1`,
    [name, behavior],
  )
const waitUntilChecked = (name: string) =>
  waitFor(`${name} is checked`, async () => {
    const row = await checkRow(name)
    return { done: row.checked_at !== null, value: row, seen: row }
  })
const runningChecks = async () => {
  const [row] = await db.raw('select count(*)::int from deployment_checks where lease_expires_at > now()')
  return row.count as number
}

suite('A check', { concurrency: false }, () => {
  test('that fails changes the status, and the listener is called once', async () => {
    const name = await insertDeployment(db)
    await setCheck(name, 'fail no endpoint')
    start()
    const row = await waitUntilChecked(name)
    assert.equal(row.exit_code, 1)
    assert.match(JSON.stringify(row.failure), /no endpoint/)
    assert.equal(await statusOf(db, name), 'GenericFailure')
    await waitFor('the listener is called', async () => ({ done: changes === 1, value: null, seen: changes }))
  })

  test('that passes as before changes nothing', async () => {
    const name = await insertDeployment(db)
    start()
    const row = await waitUntilChecked(name)
    assert.equal(row.exit_code, 0)
    assert.equal(row.failure, null)
    assert.equal(await statusOf(db, name), 'Running')
    assert.equal(changes, 0)
  })

  test('whose config cannot be read leaves the status, and its failure is stored', async () => {
    const name = await insertDeployment(db)
    await setCheck(name, 'exit 1')
    await all.setBehavior('deployment_config', 'fail cannot read the cluster')
    const settings = { ...all.context.settings, REDIS_PREFIX: redisPrefix() }
    start({ settings, configCache: createConfigCache(1) })
    const row = await waitUntilChecked(name)
    assert.equal(row.exit_code, null)
    assert.match(JSON.stringify(row.failure), /cannot read the cluster/)
    assert.equal(await statusOf(db, name), 'Running')
    await all.setBehavior('deployment_config', '')
  })

  test('of an archived deployment is not made', async () => {
    const [archived, active] = [await insertDeployment(db, 'Archived'), await insertDeployment(db)]
    start()
    await waitUntilChecked(active)
    assert.deepEqual(await all.calls(archived), [])
  })
})

suite('Checks', { concurrency: false }, () => {
  test('run as many at a time as CHECK_CONCURRENCY says, and the next ones follow', async () => {
    const names = [await insertDeployment(db), await insertDeployment(db), await insertDeployment(db)]
    for (const name of names) await setCheck(name, 'pause 1')
    start()
    let most = 0
    await waitFor('all are checked', async () => {
      most = Math.max(most, await runningChecks())
      const rows = await Promise.all(names.map(checkRow))
      return { done: rows.every((row) => row.checked_at !== null), value: null, seen: rows }
    })
    assert.equal(most, 2)
  })

  test('end when an action of their deployment begins, and their result does not count', async () => {
    const name = await insertDeployment(db)
    await setCheck(name, 'hang')
    const { endCheckOf } = start()
    await waitFor('the check runs', async () => ({
      done: (await all.calls(name)).includes('check'),
      value: null,
    }))
    const { id } = await checkRow(name)
    await endCheckOf(Number(id))
    const row = await checkRow(name)
    assert.deepEqual([row.checked_at, row.exit_code, row.is_running], [null, null, false])
    assert.equal(await statusOf(db, name), 'Running')
  })

  test('of other deployments go on then', async () => {
    const [one, two] = [await insertDeployment(db), await insertDeployment(db)]
    await setCheck(one, 'hang')
    await setCheck(two, 'pause 1')
    const { endCheckOf } = start()
    await waitFor('both run', async () => ({ done: (await runningChecks()) === 2, value: null }))
    await endCheckOf(Number((await checkRow(one)).id))
    assert.equal((await waitUntilChecked(two)).exit_code, 0)
  })

  test('end with their runner, and another one may make them at once', async () => {
    const name = await insertDeployment(db)
    await setCheck(name, 'hang')
    const stopped = start()
    await waitFor('the check runs', async () => ({
      done: (await all.calls(name)).includes('check'),
      value: null,
    }))
    shutdown.abort('interrupted')
    await stopped.stop()
    const row = await checkRow(name)
    assert.deepEqual([row.checked_at, row.is_running], [null, false])
  })
})
