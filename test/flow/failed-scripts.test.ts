/** Failures of scripts beside actions and checks are shown on the deployment until the script next succeeds. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ApiClient, createApiClient, getActionId, overrides } from '../helpers/api-client.ts'
import { type System, startSystem } from '../helpers/system.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { withDatabase } from '../helpers/with-database.ts'

let system: System
let octopod: ApiClient
before(async () => {
  // Answers are always asked for again, in the background.
  system = await startSystem({ env: { CHECK_INTERVAL: '1', CACHE_UPDATE_TIME: '0' } })
  octopod = createApiClient(system.url, null)
})
after(() => system?.stop())

const failedScripts = async (name: string, client = octopod) =>
  (await client.fullInfo(name)).failed_scripts ?? []

const waitForFailure = (name: string, script: string) =>
  waitFor(`a failure of ${script} is shown on ${name}`, async () => {
    const shown = await failedScripts(name)
    const value = shown.find(({ failure }) => failure.script === script)?.failure
    return { done: value !== undefined, value, seen: shown }
  })

const waitForNone = (name: string) =>
  waitFor(`no failed script is shown on ${name}`, async () => {
    const shown = await failedScripts(name)
    return { done: shown.length === 0, value: null, seen: shown }
  })

test('A failed info script is shown, with clean and redacted lines, until it succeeds', async () => {
  const created = await octopod.create('linked', {
    'behave.info': 'fail-with 4 \\033[31mno ingress\\033[0m for hunter22',
  })
  await octopod.waitForActionEnd(getActionId(created))
  const failure = await waitForFailure('linked', 'info')
  assert.deepEqual(failure, {
    what: 'script',
    script: 'info',
    message: 'The info script failed with exit code 4.',
    hint: null,
    output: 'no ingress for ***',
    output_hidden: false,
    remedies: [],
  })
  await octopod.waitForStatus('linked', 'Running')
  await octopod.update('linked', { 'behave.info': 'print this is no CSV' })
  const unreadable = await waitFor('another failure of info', async () => {
    const [shown] = await failedScripts('linked')
    return { done: shown?.failure.message !== failure?.message, value: shown?.failure, seen: shown }
  })
  assert.equal(unreadable?.message, 'The output of the info script cannot be read.')
  assert.match(unreadable?.output ?? '', /^line 1: expected 2 columns, found 1\.$/)
  await octopod.waitForStatus('linked', 'Running')
  await octopod.update('linked', {})
  await waitForNone('linked')
})

test('A failed notifications script is shown on its deployment only, until it succeeds for it', async (t) => {
  t.after(() => system.setBehavior('notifications', ''))
  // Notifications are sent one after another: the one of `next` follows the end of all of `quiet`.
  for (const name of ['quiet', 'next']) {
    await octopod.create(name)
    await octopod.waitForStatus(name, 'Running')
    await waitFor(`the notification of ${name}`, async () => {
      const calls = await system.scriptCalls('notifications')
      return { done: calls.some((call) => call.includes(name)), value: null, seen: calls }
    })
  }
  await system.setBehavior('notifications', 'fail the chat does not answer')
  await octopod.create('loud')
  const failure = await waitForFailure('loud', 'notifications')
  assert.equal(failure?.output, 'the chat does not answer')
  assert.deepEqual(await failedScripts('quiet'), [])
  await octopod.waitForStatus('loud', 'Running')
  await system.setBehavior('notifications', '')
  await octopod.archive('loud')
  await waitForNone('loud')
})

test('A config script that fails while its last answer is still used is shown, until it succeeds', async (t) => {
  t.after(() => system.setBehavior('application_config', ''))
  await octopod.create('configured')
  await octopod.waitForStatus('configured', 'Running')
  await system.setBehavior('application_config', 'fail-with 2 the registry does not answer')
  const failure = await waitForFailure('configured', 'application_config')
  assert.equal(failure?.what, 'config_script')
  assert.equal(failure?.message, 'The application_config script failed with exit code 2.')
  assert.equal(failure?.output, 'the registry does not answer')
  await system.setBehavior('application_config', '')
  await waitForNone('configured')
})

test('A failing keys script is shown on the deployments with the config that it received', async (t) => {
  t.after(() => system.setBehavior('application_config_keys', ''))
  await octopod.create('keyed')
  await octopod.api('POST', '/deployments', {
    name: 'elsewhere',
    app_overrides: [],
    deployment_overrides: overrides({ region: 'us' }),
  })
  for (const name of ['keyed', 'elsewhere']) await octopod.waitForStatus(name, 'Running')
  await system.setBehavior('application_config_keys', 'fail no keys')
  const config = [
    ['region', 'eu'],
    ['db.password', 'hunter22'],
  ]
  const ask = (pairs: string[][]) => octopod.api('POST', '/application_override_keys', pairs)
  assert.notEqual((await ask(config)).status, 200)
  await waitForFailure('keyed', 'application_config_keys')
  assert.deepEqual(await failedScripts('elsewhere'), [])
  // Anyone may ask for any config; only those of deployments are stored.
  assert.notEqual((await ask([['region', 'nowhere']])).status, 200)
  const stored = await withDatabase(system.databaseUrl, (client) =>
    client.query(`select subject from script_failures where script = 'application_config_keys'`),
  )
  assert.equal(stored.rows.length, 1)
  await system.setBehavior('application_config_keys', '')
  assert.equal((await ask(config)).status, 200)
  await waitForNone('keyed')
})

test('A reader who may not read output learns which script failed', async () => {
  const server = await system.startServer({ OUTPUT_READERS: 'admin' })
  const reader = createApiClient(server.url, null)
  const created = await octopod.create('guarded', { 'behave.info': 'fail words of the script' })
  await octopod.waitForActionEnd(getActionId(created))
  const [shown] = await failedScripts('guarded', reader)
  assert.equal(shown?.failure.message, 'The info script failed with exit code 1.')
  assert.equal(shown?.failure.output, null)
  assert.equal(shown?.failure.output_hidden, true)
  assert.deepEqual(shown?.failure.remedies, ['sign_in'])
})

test('The failures of a deployment are deleted with it', async () => {
  const created = await octopod.create('removed', { 'behave.info': 'fail gone soon' })
  await octopod.waitForActionEnd(getActionId(created))
  await waitForFailure('removed', 'info')
  await octopod.waitForStatus('removed', 'Running')
  const admin = createApiClient(system.url)
  assert.equal((await admin.api('DELETE', '/deployments/removed/delete')).status, 200)
  const left = await withDatabase(system.databaseUrl, (client) =>
    client.query(`select subject from script_failures where failure ->> 'output' = 'gone soon'`),
  )
  assert.deepEqual(left.rows, [])
})
