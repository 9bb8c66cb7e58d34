/**
 * Events that hit a runner during its claim or start statement. A proxy in front of PostgreSQL delays or cuts the
 * statement.
 */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type StatementAction, startPostgresProxy } from '../../fault/harness/postgres/postgres-proxy.ts'
import { type ApiClient, createApiClient, getActionId } from '../../helpers/api-client.ts'
import { type Program, type System, startSystem } from '../../helpers/system.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { withDatabase } from '../../helpers/with-database.ts'

const claims = /fencing_token = a\.fencing_token \+ 1/
const starts = /start_action\(/

let system: System
let octopod: ApiClient
let frozenRunner: Program | null = null
before(async () => {
  system = await startSystem({
    env: { CHECK_INTERVAL: '3600', LEASE: '2', KILL_GRACE: '0.3', SHUTDOWN_GRACE: '20' },
  })
  octopod = createApiClient(system.url)
})
after(() => system?.stop())

/**
 * Runs `work` with one runner. Its first statement that matches `statement` is passed, delayed or cut as `intercept`
 * decides; `reached` resolves when the statement arrives.
 */
async function atStatement(
  name: string,
  statement: RegExp,
  intercept: () => StatementAction | Promise<StatementAction>,
  work: (runner: Program, reached: Promise<void>) => Promise<void>,
  env: Record<string, string> = {},
): Promise<void> {
  await octopod.create(name)
  await octopod.waitForStatus(name, 'Running')
  await system.runner.stop()
  const reached = Promise.withResolvers<void>()
  let intercepted = false
  const proxy = await startPostgresProxy(system.databaseUrl, ({ sql }) => {
    if (intercepted || !statement.test(sql)) return 'pass'
    intercepted = true
    reached.resolve()
    return intercept()
  })
  const runner = await system.startRunner({ DATABASE_URL: proxy.url, ...env })
  try {
    await work(runner, reached.promise)
    assert.ok(intercepted)
  } finally {
    await runner.stop()
    await proxy.close()
    system.runner = await system.startRunner()
  }
}

test('A runner stopped while it claims an action executes the action within SHUTDOWN_GRACE', async () => {
  const goOn = Promise.withResolvers<StatementAction>()
  await atStatement(
    'claimed',
    claims,
    () => goOn.promise,
    async (runner, reached) => {
      const gate = join(system.dir, 'gate')
      await system.setBehavior('archive', `wait ${gate}`)
      const actionId = getActionId(await octopod.archive('claimed'))
      await reached
      const stopped = runner.stop()
      // Longer than the runner needs to see that it is idle.
      await sleep(300)
      goOn.resolve('pass')
      // Longer than a stopping runner waits for its queue workers.
      await sleep(4000)
      await writeFile(gate, '')
      assert.equal(await stopped, 0)
      await system.setBehavior('archive', '')
      const action = await octopod.waitForActionEnd(actionId)
      assert.deepEqual([action.state, action.attempt], ['succeeded', 1])
    },
    // A busy machine may renew a short lease too late.
    { LEASE: '15' },
  )
})

test('A cancel during the start of an action keeps the script from starting although its event was lost', async () => {
  const goOn = Promise.withResolvers<StatementAction>()
  await atStatement(
    'no-event',
    starts,
    () => goOn.promise,
    async (_, reached) => {
      const actionId = getActionId(await octopod.archive('no-event'))
      await reached
      // Only in the database, as when the event was lost.
      await withDatabase(system.databaseUrl, (db) =>
        db.query(`update actions set cancel_requested_at = now(), cancelled_by = 'carl' where id = $1`, [
          actionId,
        ]),
      )
      goOn.resolve('pass')
      const action = await octopod.waitForActionEnd(actionId)
      assert.deepEqual([action.state, action.started_at], ['cancelled', null])
      assert.equal((await octopod.fullInfo('no-event')).status.recorded_status.tag, 'Running')
      assert.deepEqual(
        (await system.scriptCalls('archive')).filter((call) => call.includes('no-event')),
        [],
      )
    },
  )
})

test('A start whose database answer was lost is retried, and the script runs once', () =>
  atStatement(
    'unanswered',
    starts,
    () => 'reset-after',
    async () => {
      const action = await octopod.waitForActionEnd(getActionId(await octopod.archive('unanswered')))
      assert.deepEqual([action.state, action.attempt], ['succeeded', 1])
      assert.equal(
        (await system.scriptCalls('archive')).filter((call) => call.includes('unanswered')).length,
        1,
      )
    },
  ))

test('A cancel during the retry of a lost start ends the action as cancelled, not as interrupted', () =>
  atStatement(
    'half-started',
    starts,
    () => 'reset-after',
    async () => {
      const actionId = getActionId(await octopod.archive('half-started'))
      await waitFor('the start is recorded', async () => {
        const { body } = await octopod.api('GET', `/actions/${actionId}`)
        const { started_at } = body as { started_at: string | null }
        return { done: started_at !== null, value: null }
      })
      await octopod.api('POST', `/actions/${actionId}/cancel`)
      assert.equal((await octopod.waitForActionEnd(actionId)).state, 'cancelled')
    },
  ))

test('A runner frozen between the recorded start and the script does not start the script', async () => {
  await atStatement(
    'frozen',
    starts,
    () => {
      // The statement passes, and the frozen runner reads its answer after the lease has expired.
      frozenRunner?.signal('SIGSTOP')
      return 'pass'
    },
    async (runner, reached) => {
      frozenRunner = runner
      const actionId = getActionId(await octopod.archive('frozen'))
      await reached
      // Longer than the lease and shorter than the query timeout: the answer is there when the runner continues.
      await sleep(2500)
      runner.signal('SIGCONT')
      const action = await octopod.waitForActionEnd(actionId)
      assert.equal(action.state, 'interrupted')
      assert.notEqual(action.started_at, null)
      assert.deepEqual(
        (await system.scriptCalls('archive')).filter((call) => call.includes('frozen')),
        [],
      )
    },
  )
})
