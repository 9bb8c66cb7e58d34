/** What a runner does when something happens while one statement is under way: a proxy in front of PostgreSQL holds it. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type StatementAction, startPostgresProxy } from '../fault/harness/postgres/postgres-proxy.ts'
import { type ApiClient, createApiClient, getActionId } from '../helpers/api-client.ts'
import { type Program, type System, startSystem } from '../helpers/system.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { withDatabase } from '../helpers/with-database.ts'

const claims = /fencing_token = a\.fencing_token \+ 1/
const starts = /start_action\(/

let system: System
let octopod: ApiClient
let doomed: Program | null = null
before(async () => {
  system = await startSystem({
    env: { CHECK_INTERVAL: '3600', LEASE: '2', KILL_GRACE: '0.3', SHUTDOWN_GRACE: '20' },
  })
  octopod = createApiClient(system.url)
})
after(() => system?.stop())

/** `work` while the only runner is one whose first such statement gets what `judge` says; it is told when it has come. */
async function atStatement(
  name: string,
  statement: RegExp,
  judge: () => StatementAction | Promise<StatementAction>,
  work: (runner: Program, reached: Promise<void>) => Promise<void>,
): Promise<void> {
  await octopod.create(name)
  await octopod.waitForStatus(name, 'Running')
  await system.runner.stop()
  const reached = Promise.withResolvers<void>()
  let judged = false
  const proxy = await startPostgresProxy(system.databaseUrl, (asked) => {
    if (judged || !statement.test(asked.statement)) return 'pass'
    judged = true
    reached.resolve()
    return judge()
  })
  const runner = await system.startRunner({ DATABASE_URL: proxy.url })
  try {
    await work(runner, reached.promise)
    assert.ok(judged)
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
      // Longer than it takes to see that nothing runs.
      await sleep(300)
      goOn.resolve('pass')
      // And longer than the workers of the queue are waited for.
      await sleep(4000)
      await writeFile(gate, '')
      assert.equal(await stopped, 0)
      await system.setBehavior('archive', '')
      const action = await octopod.waitForActionEnd(actionId)
      assert.deepEqual([action.state, action.attempt], ['succeeded', 1])
    },
  )
})

test('A cancel during the start of an action keeps the script from starting although its event was lost', async () => {
  const goOn = Promise.withResolvers<StatementAction>()
  await atStatement(
    'unheard',
    starts,
    () => goOn.promise,
    async (_, reached) => {
      const actionId = getActionId(await octopod.archive('unheard'))
      await reached
      // Only in the database: the hint was lost.
      await withDatabase(system.databaseUrl, (db) =>
        db.query(`update actions set cancel_requested_at = now(), cancelled_by = 'carl' where id = $1`, [
          actionId,
        ]),
      )
      goOn.resolve('pass')
      const action = await octopod.waitForActionEnd(actionId)
      assert.deepEqual([action.state, action.started_at], ['cancelled', null])
      assert.equal((await octopod.fullInfo('unheard')).status.recorded_status.tag, 'Running')
      assert.deepEqual(
        (await system.scriptCalls('archive')).filter((call) => call.includes('unheard')),
        [],
      )
    },
  )
})

test('A start whose database answer was lost is retried, and the script runs once', () =>
  atStatement(
    'unanswered',
    starts,
    () => 'cut-after',
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
    () => 'cut-after',
    async () => {
      const actionId = getActionId(await octopod.archive('half-started'))
      await waitFor('its start is on record', async () => {
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
      // The statement goes through; whoever asked hears of it when the lease is over.
      doomed?.signal('SIGSTOP')
      return 'pass'
    },
    async (runner, reached) => {
      doomed = runner
      const actionId = getActionId(await octopod.archive('frozen'))
      await reached
      // Longer than the lease, shorter than a statement may take: the answer is there when it wakes.
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
