/** Answers of scripts while the user waits: defaults, keys, status and config_check, with their cache. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ApiClient, createApiClient } from '../helpers/api-client.ts'
import { findScriptProcesses } from '../helpers/find-processes.ts'
import { type System, startSystem } from '../helpers/system.ts'
import { waitFor } from '../helpers/wait-for.ts'

let system: System
let octopod: ApiClient
before(async () => {
  system = await startSystem({
    env: { SCRIPT_QUERY_TIMEOUT: '1', CONFIG_CHECK_TIMEOUT: '4', CACHE_UPDATE_TIME: '1' },
  })
  octopod = createApiClient(system.url)
})
after(() => system?.stop())

test('Defaults and keys of both config levels come from the scripts', async () => {
  const region: [string, string][] = [['region', 'us']]
  assert.deepEqual((await octopod.api('GET', '/deployment_overrides')).body, [
    ['region', 'eu'],
    ['db.password', 'hunter22'],
  ])
  assert.deepEqual((await octopod.api('GET', '/deployment_override_keys')).body, ['region', 'db.password'])
  assert.deepEqual((await octopod.api('POST', '/application_overrides', region)).body, [
    ['image.tag', 'v1'],
    ['replicas', '2'],
  ])
  assert.deepEqual((await octopod.api('POST', '/application_override_keys', region)).body, [
    'image.tag',
    'replicas',
  ])
  const [call] = await system.scriptCalls('application_config_keys')
  assert.deepEqual(call?.slice(-2), ['--deployment-config', 'region=us'])
})

test('A cached answer is served while it is fresh, and once more while it is renewed', async () => {
  const config: [string, string][] = [['region', 'cached']]
  const read = async () => JSON.stringify((await octopod.api('POST', '/application_overrides', config)).body)
  const first = await read()
  await system.setBehavior('application_config', 'print image.tag,v7')
  assert.equal(await read(), first)
  // After CACHE_UPDATE_TIME the old answer is served once more, and the new one soon after.
  await waitFor('the renewed answer', async () => {
    const now = await read()
    assert.ok(now === first || now === '[["image.tag","v7"]]', now)
    return { done: now !== first, value: now, seen: now }
  })
})

test('Concurrent requests for the same config run the script once', async () => {
  const before = (await system.scriptCalls('application_config')).length
  const config: [string, string][] = [['region', 'together']]
  await Promise.all(Array.from({ length: 20 }, () => octopod.api('POST', '/application_overrides', config)))
  assert.equal((await system.scriptCalls('application_config')).length, before + 1)
})

test('A failing script is an error with the output of the script, not an empty answer', async () => {
  await system.setBehavior('deployment_config_keys', 'fail the cluster is on fire')
  await waitFor('the failing answer', async () => {
    // The cached answer is served until it is renewed. A failure never replaces it.
    const reply = await octopod.api('GET', '/deployment_override_keys')
    return { done: reply.status === 200, value: reply }
  })
  await system.setBehavior('application_config_keys', 'fail the cluster is on fire')
  const reply = await octopod.api('POST', '/application_override_keys', [['region', 'burning']])
  assert.equal(reply.status, 502)
  assert.match(reply.text, /application_config_keys script failed with exit code 1: the cluster is on fire/)
})

test('Invalid script output is an error that names the line', async () => {
  await system.setBehavior('application_config', 'print "unclosed')
  const reply = await octopod.api('POST', '/application_overrides', [['region', 'broken']])
  assert.equal(reply.status, 502)
  assert.match(reply.text, /cannot be read: line 1/)
})

test('The status endpoint runs the check now', async () => {
  for (const script of ['application_config', 'deployment_config_keys']) await system.setBehavior(script, '')
  await octopod.create('checked')
  await octopod.waitForStatus('checked', 'Running')
  assert.deepEqual((await octopod.api('GET', '/deployments/checked/status')).body, { status: 'Ok' })
  await system.setBehavior('check', 'exit 4')
  assert.deepEqual((await octopod.api('GET', '/deployments/checked/status')).body, { status: 'Error' })
})

test('A slow script is 504 with a message, and other requests are answered at the same time', async () => {
  await system.setBehavior('config_check', 'hang')
  let isAnswered = false
  const slow = octopod.create('slow').finally(() => {
    isAnswered = true
  })
  assert.equal((await octopod.api('GET', '/deployments/checked/status')).status, 200)
  assert.equal(isAnswered, false)
  const reply = await slow
  assert.equal(reply.status, 504)
  assert.match(
    reply.text,
    /No runner answered within 4 s \(CONFIG_CHECK_TIMEOUT\): the config_check script is slow/,
  )
  assert.equal((await octopod.api('GET', '/deployments/slow/full_info')).status, 404)
  await waitFor('the abandoned script has ended', async () => {
    const processes = findScriptProcesses('slow')
    return { done: processes.length === 0, value: null, seen: processes }
  })
  await system.setBehavior('application_config_keys', 'hang')
  const keys = await octopod.api('POST', '/application_override_keys', [['region', 'slow']])
  assert.equal(keys.status, 504)
  assert.match(keys.text, /No runner answered within 1 s \(SCRIPT_QUERY_TIMEOUT\)/)
})

test('A config_check may take longer than SCRIPT_QUERY_TIMEOUT', async () => {
  await system.setBehavior('config_check', 'pause 2')
  assert.equal((await octopod.create('patient')).status, 200)
})
