/** Scripts that exceed CONTROL_SCRIPT_TIMEOUT are terminated and never count as a success. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ApiClient, createApiClient, getActionId } from '../helpers/api-client.ts'
import { type System, startSystem } from '../helpers/system.ts'

let system: System
let octopod: ApiClient
before(async () => {
  system = await startSystem({
    env: { CONTROL_SCRIPT_TIMEOUT: '2', KILL_GRACE: '0.5', CHECK_INTERVAL: '3600' },
  })
  octopod = createApiClient(system.url)
})
after(() => system?.stop())

test('An action whose script exceeds CONTROL_SCRIPT_TIMEOUT ends as timed out with its output so far, whatever its exit code', async () => {
  const reply = await octopod.create('endless', { 'behave.create': 'hang', 'behave.check': 'exit 1' })
  const action = await octopod.waitForActionEnd(getActionId(reply))
  // The script exits with 0 on SIGTERM.
  assert.deepEqual([action.state, action.exit_code], ['timed_out', 0])
  assert.match(
    (await octopod.api('GET', `/log/${action.action_id}`)).text,
    /hanging \d+.*stopped after 2 s \(CONTROL_SCRIPT_TIMEOUT\)/,
  )
  await octopod.waitForStatus('endless', 'GenericFailure')
  assert.equal((await octopod.update('endless')).status, 200, 'the deployment can be updated again')
})

test('A script that exceeds CONTROL_SCRIPT_TIMEOUT and ignores SIGTERM is killed, and its action is timed out', async () => {
  const reply = await octopod.create('ignores-term', {
    'behave.create': 'ignore-term',
    'behave.check': 'exit 1',
  })
  const action = await octopod.waitForActionEnd(getActionId(reply))
  assert.deepEqual([action.state, action.exit_code, action.signal], ['timed_out', null, 'SIGKILL'])
  await octopod.waitForStatus('ignores-term', 'GenericFailure')
})
