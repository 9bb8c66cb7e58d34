import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Action } from '../../domain/schemas.ts'
import { type ApiClient, createApiClient, getActionId } from '../helpers/api-client.ts'
import { findScriptProcesses } from '../helpers/find-processes.ts'
import { type System, startSystem } from '../helpers/system.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { withDatabase } from '../helpers/with-database.ts'
import { isProcessAlive } from '../runner/script-fixtures.ts'

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

// Each test brings its own runners; creating goes by config_check, which needs one.
const existing = async (name: string) => {
  const runner = await system.startRunner()
  await octopod.create(name)
  await octopod.waitForStatus(name, 'Running')
  await runner.stop()
}

const printed = (actionId: number, words: RegExp) =>
  waitFor(`action ${actionId} has printed ${words}`, async () => {
    const { text } = await octopod.api('GET', `/log/${actionId}`)
    return { done: words.test(text), value: text, seen: text }
  })

test('An action accepted without a runner is executed when a runner starts', async () => {
  await existing('later')
  const actionId = getActionId(await octopod.archive('later'))
  const runner = await system.startRunner()
  assert.equal((await octopod.waitForActionEnd(actionId)).state, 'succeeded')
  await runner.stop()
})

test('An action whose queue notification was lost is found by polling', async () => {
  await existing('lost-bell')
  const runner = await system.startRunner({ REDIS_PREFIX: 'another-one' })
  const actionId = getActionId(await octopod.archive('lost-bell'))
  assert.equal((await octopod.waitForActionEnd(actionId)).state, 'succeeded')
  await runner.stop()
})

test('The action of a killed runner ends as interrupted, with its output so far', async () => {
  await existing('killed')
  await system.setBehavior('archive', 'hang')
  const doomed = await system.startRunner()
  const actionId = getActionId(await octopod.archive('killed'))
  await printed(actionId, /hanging/)
  doomed.signal('SIGKILL')
  await system.setBehavior('archive', '')
  const other = await system.startRunner()
  const action = await octopod.waitForActionEnd(actionId)
  assert.equal(action.state, 'interrupted')
  assert.match(action.error ?? '', /runner .* was lost/)
  await printed(actionId, /hanging/)
  assert.equal((await octopod.archive('killed')).status, 200, 'it can be asked again')
  await octopod
    .waitForStatus('killed', 'Archived')
    .catch(() => octopod.waitForStatus('killed', 'ArchivePending'))
  await other.stop()
})

test('With INTERRUPTED_ACTIONS=retry a second, visible attempt follows', async () => {
  await existing('retried')
  await system.setBehavior('archive', 'hang')
  const doomed = await system.startRunner()
  const actionId = getActionId(await octopod.archive('retried'))
  await printed(actionId, /hanging/)
  doomed.signal('SIGKILL')
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
  await existing('unchecked')
  const dueNow = () =>
    withDatabase(system.databaseUrl, (db) =>
      db.query(`update deployments set next_check_at = now(), check_exit_code = 7 where name = 'unchecked'`),
    )
  await system.setBehavior('check', 'hang')
  const doomed = await system.startRunner({ CHECK_TIMEOUT: '300' })
  await dueNow()
  await waitFor('the check hangs for longer than it is held', async () => {
    const seen = findScriptProcesses('unchecked').length
    return { done: seen > 0, value: null, seen }
  })
  await sleep(2500)
  assert.equal(findScriptProcesses('unchecked').length, 1)
  const other = await system.startRunner({ CHECK_TIMEOUT: '300' })
  await sleep(1500)
  assert.equal(findScriptProcesses('unchecked').length, 1, 'its check is held as long as it lives')
  await system.setBehavior('check', '')
  doomed.signal('SIGKILL')
  await waitFor('it is checked', async () => {
    const { last_check } = await octopod.fullInfo('unchecked')
    return { done: last_check?.exit_code === 0, value: null, seen: last_check }
  })
  await other.stop()
})

test('A frozen runner loses its script with its lease, and its later writes are rejected', async () => {
  await existing('frozen')
  const gate = join(system.dir, 'gate')
  await system.setBehavior('archive', `wait ${gate}`)
  const frozen = await system.startRunner()
  const actionId = getActionId(await octopod.archive('frozen'))
  const pid = Number(/waiting (\d+)/.exec(await printed(actionId, /waiting \d+/))?.[1])
  assert.ok(isProcessAlive(pid))
  frozen.signal('SIGSTOP')
  const other = await system.startRunner()
  assert.equal((await octopod.waitForActionEnd(actionId)).state, 'interrupted')
  assert.equal(isProcessAlive(pid), false, 'the script was gone before the action could be taken')
  await writeFile(gate, '')
  frozen.signal('SIGCONT')
  await waitFor('the frozen runner has noticed', async () => ({
    done: frozen.lines.some((line) => line.includes('taken from us')),
    value: null,
    seen: frozen.lines.at(-1),
  }))
  const action = (await octopod.api('GET', `/actions/${actionId}`)).body as Action
  assert.equal(action.state, 'interrupted')
  assert.doesNotMatch((await octopod.api('GET', `/log/${actionId}`)).text, /done/)
  await Promise.all([frozen.stop(), other.stop()])
})

test('A stopping runner lets its script finish within SHUTDOWN_GRACE', async () => {
  await existing('graceful')
  const gate = join(system.dir, 'gate-graceful')
  await system.setBehavior('archive', `wait ${gate}`)
  const runner = await system.startRunner({ SHUTDOWN_GRACE: '20' })
  const actionId = getActionId(await octopod.archive('graceful'))
  await printed(actionId, /waiting/)
  const stopped = runner.stop()
  await writeFile(gate, '')
  assert.equal(await stopped, 0)
  assert.equal((await octopod.waitForActionEnd(actionId)).state, 'succeeded')
})

test('After SHUTDOWN_GRACE the script is terminated and the action is interrupted', async () => {
  await existing('graceless')
  await system.setBehavior('archive', 'hang')
  const runner = await system.startRunner({ SHUTDOWN_GRACE: '0.2' })
  const actionId = getActionId(await octopod.archive('graceless'))
  await printed(actionId, /hanging/)
  assert.equal(await runner.stop(), 0)
  assert.equal((await octopod.waitForActionEnd(actionId)).state, 'interrupted')
})

test('After SHUTDOWN_GRACE, with INTERRUPTED_ACTIONS=retry, another runner tries again', async () => {
  await existing('retried-later')
  await system.setBehavior('archive', 'hang')
  const retry = { INTERRUPTED_ACTIONS: 'retry' }
  const leaving = await system.startRunner({ ...retry, SHUTDOWN_GRACE: '0.2' })
  const actionId = getActionId(await octopod.archive('retried-later'))
  await printed(actionId, /hanging/)
  assert.equal(await leaving.stop(), 0)
  await system.setBehavior('archive', '')
  const next = await system.startRunner(retry)
  assert.equal((await octopod.waitForActionEnd(actionId)).state, 'interrupted')
  await octopod.waitForStatus('retried-later', 'Archived')
  const [second] = await octopod.actions('retried-later')
  assert.deepEqual([second?.attempt, second?.state], [2, 'succeeded'])
  await next.stop()
})
