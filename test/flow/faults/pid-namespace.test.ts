/** PID_NAMESPACE=own: actions work as usual, and no process outlives its script, even when the runner is killed. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { detectPidNamespace } from '../../../runner/process/pid-namespace.ts'
import { type ApiClient, createApiClient, getActionId } from '../../helpers/api-client.ts'
import { findProcessesByArguments } from '../../helpers/find-processes.ts'
import { type System, startOctopodProgram, startSystem } from '../../helpers/system.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { minimalEnvironment } from '../../runner/script-fixtures.ts'

const refusal = await detectPidNamespace(minimalEnvironment).then(
  () => false as const,
  (error: Error) => error.message,
)

let system: System
let octopod: ApiClient
before(async () => {
  system = await startSystem({
    runner: false,
    env: { CHECK_INTERVAL: '3600', LEASE: '4', ...(refusal ? {} : { PID_NAMESPACE: 'own' }) },
  })
  octopod = createApiClient(system.url)
})
after(() => system?.stop())

/** The escaped processes of the action, without those of the following check. */
const escapedProcesses = () => findProcessesByArguments('\0escaped\0--name\0own\0')

const escaped = async (name: string) => {
  const actionId = getActionId(await octopod.update(name, { 'behave.update': 'escape' }))
  await waitFor('the child has escaped', async () => {
    const { text } = await octopod.api('GET', `/log/${actionId}`)
    return { done: text.includes('escaped'), value: text, seen: text }
  })
  return actionId
}

test('Scripts run in their own PID namespaces', { skip: refusal }, async (t) => {
  const runner = await system.startRunner()
  await octopod.create('own')
  await octopod.waitForStatus('own', 'Running')

  await t.test('Cancel ends a process that cleared its environment and left its process group', async () => {
    const actionId = await escaped('own')
    assert.ok(escapedProcesses().length > 0)
    await octopod.api('POST', `/actions/${actionId}/cancel`)
    assert.equal((await octopod.waitForActionEnd(actionId)).state, 'cancelled')
    assert.deepEqual(escapedProcesses(), [])
  })

  await t.test('A killed runner ends it before another runner claims the action', async () => {
    const actionId = await escaped('own')
    runner.signal('SIGKILL')
    const other = await system.startRunner()
    assert.equal((await octopod.waitForActionEnd(actionId)).state, 'interrupted')
    assert.deepEqual(escapedProcesses(), [])
    await octopod.archive('own')
    await octopod.waitForStatus('own', 'Archived')
    await other.stop()
  })
})

test('A runner on a machine without PID namespaces does not start and says why', async () => {
  await assert.rejects(
    startOctopodProgram(
      'runner/main.ts',
      { ...system.environment, PID_NAMESPACE: 'own', PATH: '/nowhere' },
      'runner ready',
    ),
    /PID_NAMESPACE is own, but this machine cannot create a PID namespace for scripts: there is no unshare/,
  )
})
