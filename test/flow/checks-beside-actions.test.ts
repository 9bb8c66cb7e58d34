/** The script of an action never runs beside a check of its deployment, nor one check beside another. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type ApiClient, createApiClient, getActionId } from '../helpers/api-client.ts'
import { findProcessesByArguments, findScriptProcesses, withoutForks } from '../helpers/find-processes.ts'
import { type System, startSystem } from '../helpers/system.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { withDatabase } from '../helpers/with-database.ts'

let system: System
let octopod: ApiClient
before(async () => {
  system = await startSystem({ env: { LEASE: '4', KILL_GRACE: '0.5', CHECK_INTERVAL: '3600' } })
  octopod = createApiClient(system.url)
})
after(() => system?.stop())

const findScripts = (script: string, name: string) => {
  const ofDeployment = findScriptProcesses(name)
  return withoutForks(findProcessesByArguments(`/${script}\0`).filter((pid) => ofDeployment.includes(pid)))
}

async function createRunning(name: string): Promise<void> {
  await octopod.create(name)
  await octopod.waitForStatus(name, 'Running')
}

/** Has the deployment checked by a check that hangs and ignores TERM. Returns its process. */
async function startHangingCheck(name: string): Promise<number> {
  await system.setBehavior('check', 'ignore-term')
  await withDatabase(system.databaseUrl, (db) =>
    db.query(
      `update deployment_checks set next_check_at = now()
       where deployment_id = (select id from deployments where name = $1)`,
      [name],
    ),
  )
  const pid = await waitFor(`the check of ${name} runs`, async () => {
    const [found] = findScripts('check', name)
    return { done: found !== undefined, value: found ?? 0, seen: found }
  })
  await system.setBehavior('check', '')
  return pid
}

/** Archives the deployment and returns which checks were alive while its script ran. */
async function archiveAndFindChecks(name: string): Promise<{ actionId: number; checks: number[] }> {
  const gate = join(system.dir, `gate-${name}`)
  await system.setBehavior('archive', `wait ${gate}`)
  const actionId = getActionId(await octopod.archive(name))
  await waitFor(`the script of ${name} runs`, async () => {
    const seen = findScripts('archive', name)
    return { done: seen.length > 0, value: null, seen }
  })
  const checks = findScripts('check', name)
  await writeFile(gate, '')
  await octopod.waitForActionEnd(actionId)
  return { actionId, checks }
}

test('A check that runs when an action begins is ended before the script of the action starts', async () => {
  await createRunning('checked')
  const pid = await startHangingCheck('checked')
  const { checks } = await archiveAndFindChecks('checked')
  assert.deepEqual(checks, [], `check ${pid} ran beside the script`)
  await octopod.waitForStatus('checked', 'Archived')
})

test('A check of another runner ends with its next renewal when Redis loses the message', async () => {
  await createRunning('elsewhere')
  const other = await system.startRunner({ REDIS_PREFIX: 'another-one', ACTION_CONCURRENCY: '1' })
  await system.runner.stop()
  await startHangingCheck('elsewhere')
  const runner = await system.startRunner()
  const { checks } = await archiveAndFindChecks('elsewhere')
  assert.deepEqual(checks, [])
  await Promise.all([other.stop(), runner.stop()])
})

test('A check of a frozen runner ends before its lease expires, and the script of an action starts then', async () => {
  const frozen = await system.startRunner()
  await createRunning('frozen')
  await startHangingCheck('frozen')
  frozen.signal('SIGSTOP')
  const runner = await system.startRunner()
  const { actionId, checks } = await archiveAndFindChecks('frozen')
  assert.deepEqual(checks, [])
  frozen.signal('SIGCONT')
  assert.equal((await octopod.waitForActionEnd(actionId)).state, 'succeeded')
  await Promise.all([frozen.stop(), runner.stop()])
})

test('Two checks of a deployment never run at the same time, whatever actions end between them', async () => {
  const runner = await system.startRunner()
  await createRunning('twice')
  const first = await startHangingCheck('twice')
  const gate = join(system.dir, 'gate-twice')
  await system.setBehavior('check', `wait ${gate}`)
  await octopod.update('twice')
  const alive = await waitFor('the next check runs', async () => {
    const seen = findScripts('check', 'twice')
    return { done: seen.some((pid) => pid !== first), value: seen, seen }
  })
  assert.equal(alive.length, 1, `the checks ${alive} ran at the same time`)
  await writeFile(gate, '')
  await octopod.waitForStatus('twice', 'Running')
  await runner.stop()
})
