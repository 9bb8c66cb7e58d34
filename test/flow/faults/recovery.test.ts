/** Actions and checks of runners that were stopped, killed or frozen are recovered by other runners. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Action } from '../../../domain/schemas.ts'
import { type ApiClient, createApiClient, getActionId } from '../../helpers/api-client.ts'
import { type System, startSystem } from '../../helpers/system.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { withDatabase } from '../../helpers/with-database.ts'
import { isProcessAlive } from '../../runner/script-fixtures.ts'

let system: System
let octopod: ApiClient
before(async () => {
  system = await startSystem({
    runner: false,
    env: { LEASE: '2', KILL_GRACE: '0.3', CHECK_INTERVAL: '3600' },
  })
  octopod = createApiClient(system.url)
})
after(() => system?.stop())

// Each test starts its own runners; a create needs one for config_check.
const createRunning = async (name: string) => {
  const runner = await system.startRunner()
  await octopod.create(name)
  await octopod.waitForStatus(name, 'Running')
  await runner.stop()
}

test('An action accepted without a runner is executed when a runner starts', async () => {
  await createRunning('later')
  const actionId = getActionId(await octopod.archive('later'))
  const runner = await system.startRunner()
  assert.equal((await octopod.waitForActionEnd(actionId)).state, 'succeeded')
  await runner.stop()
})

test('An action whose queue notification was lost is found by polling', async () => {
  await createRunning('not-notified')
  const runner = await system.startRunner({ REDIS_PREFIX: 'another-one' })
  const actionId = getActionId(await octopod.archive('not-notified'))
  assert.equal((await octopod.waitForActionEnd(actionId)).state, 'succeeded')
  await runner.stop()
})

test('The action of a killed runner ends as interrupted, with its output so far', async () => {
  await createRunning('killed')
  await system.setBehavior('archive', 'hang')
  const killedRunner = await system.startRunner()
  const actionId = getActionId(await octopod.archive('killed'))
  await octopod.waitForOutput(actionId, /hanging/)
  killedRunner.signal('SIGKILL')
  await system.setBehavior('archive', '')
  const other = await system.startRunner()
  const action = await octopod.waitForActionEnd(actionId)
  assert.equal(action.state, 'interrupted')
  assert.match(action.error ?? '', /runner .* was lost/)
  await octopod.waitForOutput(actionId, /hanging/)
  assert.equal((await octopod.archive('killed')).status, 200, 'the action can be repeated')
  await octopod
    .waitForStatus('killed', 'Archived')
    .catch(() => octopod.waitForStatus('killed', 'ArchivePending'))
  await other.stop()
})

test('With INTERRUPTED_ACTIONS=retry a second, visible attempt follows', async () => {
  await createRunning('retried')
  await system.setBehavior('archive', 'hang')
  const killedRunner = await system.startRunner()
  const actionId = getActionId(await octopod.archive('retried'))
  await octopod.waitForOutput(actionId, /hanging/)
  killedRunner.signal('SIGKILL')
  await system.setBehavior('archive', '')
  const other = await system.startRunner({ INTERRUPTED_ACTIONS: 'retry' })
  const attempts = await waitFor('the second attempt has ended', async () => {
    const actions = (await octopod.actions('retried')).filter((action) => action.action === 'ArchiveAction')
    return {
      done: actions[0]?.state === 'succeeded',
      value: actions,
      seen: actions.map((action) => action.state),
    }
  })
  assert.deepEqual(
    attempts.map((action: Action) => [action.attempt, action.state]),
    [
      [2, 'succeeded'],
      [1, 'interrupted'],
    ],
  )
  await other.stop()
})

test('Another runner soon repeats the check of a killed runner, however long CHECK_TIMEOUT is', async () => {
  await createRunning('unchecked')
  const checkIn = (interval: string) =>
    withDatabase(system.databaseUrl, (db) =>
      db.query(
        `update deployment_checks set next_check_at = now() + $1::interval, claim = claim + 1, lease_expires_at = null, exit_code = 7
         where deployment_id = (select id from deployments where name = 'unchecked')`,
        [interval],
      ),
    )
  // The check that follows a create after a second would be counted too.
  await checkIn('1 hour')
  const countChecks = async () =>
    (await system.scriptCalls('check')).filter((call) => call.includes('unchecked')).length
  // Longer than the other leases here: on a busy machine a renewal may be late by a second.
  const longLease = { CHECK_TIMEOUT: '300', LEASE: '4' }
  await system.setBehavior('check', 'hang')
  const killedRunner = await system.startRunner(longLease)
  const before = await countChecks()
  await checkIn('0')
  await waitFor('the check runs', async () => {
    const seen = await countChecks()
    return { done: seen === before + 1, value: null, seen }
  })
  await sleep(4500)
  const other = await system.startRunner(longLease)
  await sleep(1500)
  assert.equal(await countChecks(), before + 1, 'the lease of the check is renewed while it runs')
  await system.setBehavior('check', '')
  killedRunner.signal('SIGKILL')
  await waitFor(
    'another runner has run the check',
    async () => {
      const { last_check } = await octopod.fullInfo('unchecked')
      return { done: last_check?.exit_code === 0, value: null, seen: last_check }
    },
    40_000,
  )
  await other.stop()
})

test('A frozen runner loses its script with its lease, and its later writes are rejected', async () => {
  await createRunning('frozen')
  const gate = join(system.dir, 'gate')
  await system.setBehavior('archive', `wait ${gate}`)
  const frozen = await system.startRunner()
  const actionId = getActionId(await octopod.archive('frozen'))
  const pid = Number(/waiting (\d+)/.exec(await octopod.waitForOutput(actionId, /waiting \d+/))?.[1])
  assert.ok(isProcessAlive(pid))
  frozen.signal('SIGSTOP')
  const other = await system.startRunner()
  assert.equal((await octopod.waitForActionEnd(actionId)).state, 'interrupted')
  assert.equal(isProcessAlive(pid), false, 'the script ended before the lease expired')
  await writeFile(gate, '')
  frozen.signal('SIGCONT')
  await waitFor('the frozen runner has noticed its lost lease', async () => ({
    done: frozen.lines.some((line) => line.includes('lease lost')),
    value: null,
    seen: frozen.lines.at(-1),
  }))
  const action = (await octopod.api('GET', `/actions/${actionId}`)).body as Action
  assert.equal(action.state, 'interrupted')
  assert.doesNotMatch((await octopod.api('GET', `/log/${actionId}`)).text, /done/)
  await Promise.all([frozen.stop(), other.stop()])
})

test('A stopping runner lets its script finish within SHUTDOWN_GRACE', async () => {
  await createRunning('graceful')
  const gate = join(system.dir, 'gate-graceful')
  await system.setBehavior('archive', `wait ${gate}`)
  const runner = await system.startRunner({ SHUTDOWN_GRACE: '20' })
  const actionId = getActionId(await octopod.archive('graceful'))
  await octopod.waitForOutput(actionId, /waiting/)
  const stopped = runner.stop()
  await writeFile(gate, '')
  assert.equal(await stopped, 0)
  assert.equal((await octopod.waitForActionEnd(actionId)).state, 'succeeded')
})

test('After SHUTDOWN_GRACE the script is terminated and the action is interrupted', async () => {
  await createRunning('graceless')
  await system.setBehavior('archive', 'hang')
  const runner = await system.startRunner({ SHUTDOWN_GRACE: '0.2' })
  const actionId = getActionId(await octopod.archive('graceless'))
  await octopod.waitForOutput(actionId, /hanging/)
  assert.equal(await runner.stop(), 0)
  assert.equal((await octopod.waitForActionEnd(actionId)).state, 'interrupted')
})

test('After SHUTDOWN_GRACE, with INTERRUPTED_ACTIONS=retry, another runner tries again', async () => {
  await createRunning('retried-later')
  await system.setBehavior('archive', 'hang')
  const retry = { INTERRUPTED_ACTIONS: 'retry' }
  const stoppingRunner = await system.startRunner({ ...retry, SHUTDOWN_GRACE: '0.2' })
  const actionId = getActionId(await octopod.archive('retried-later'))
  await octopod.waitForOutput(actionId, /hanging/)
  assert.equal(await stoppingRunner.stop(), 0)
  await system.setBehavior('archive', '')
  const next = await system.startRunner(retry)
  assert.equal((await octopod.waitForActionEnd(actionId)).state, 'interrupted')
  await octopod.waitForStatus('retried-later', 'Archived')
  const [second] = await octopod.actions('retried-later')
  assert.deepEqual([second?.attempt, second?.state], [2, 'succeeded'])
  await next.stop()
})
